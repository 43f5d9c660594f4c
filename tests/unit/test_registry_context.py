"""What is asserted of a mention, by cue, scope and section."""

import pytest

from thce.registry.context import Assertion
from thce.registry.keywords import find_mentions
from thce.registry.labels import Flag

A = Assertion
SETTING = "PROCEDURE NOTE\nThe bronchoscope was passed for a pleural effusion and cough.\n"


def _assertion(statement: str, flag: Flag) -> Assertion:
    """The assertion of the only mention of a flag in a statement."""
    text = SETTING + statement
    found = [m for m in find_mentions(text) if m.flag is flag and m.start >= len(SETTING)]
    assert len(found) == 1, found
    return found[0].assertion


CASES = [
    ("BAL was performed.", Flag.BAL, A.AFFIRMED),
    ("There was no BAL.", Flag.BAL, A.NEGATED),
    ("No lesion was seen and BAL was performed.", Flag.BAL, A.AFFIRMED),
    ("No complications, BAL sent.", Flag.BAL, A.AFFIRMED),
    ("No wash or brush, the BAL was enough.", Flag.BAL, A.AFFIRMED),
    ("No wash, brush or BAL.", Flag.BAL, A.NEGATED),
    ("No brush, BAL.", Flag.BAL, A.NEGATED),
    ("BAL was planned but was not performed.", Flag.BAL, A.NEGATED),
    ("BAL was done and brushing was not performed.", Flag.BAL, A.AFFIRMED),
    ("BAL and brushing were not performed.", Flag.BAL, A.NEGATED),
    ("BAL, not done.", Flag.BAL, A.NEGATED),
    ("BAL: No", Flag.BAL, A.NEGATED),
    ("BAL ........ NO", Flag.BAL, A.NEGATED),
    ("BAL: no complications.", Flag.BAL, A.AFFIRMED),
    ("BAL without difficulty.", Flag.BAL, A.AFFIRMED),
    ("Rather than a chest tube, a PleurX was placed.", Flag.IPC, A.AFFIRMED),
    ("Instead of pleurodesis we waited.", Flag.PLEURODESIS, A.NEGATED),
    ("Pleurodesis was declined.", Flag.PLEURODESIS, A.NEGATED),
    ("Pleurodesis was discussed.", Flag.PLEURODESIS, A.PLANNED),
    ("Consider pleurodesis.", Flag.PLEURODESIS, A.HYPOTHETICAL),
    ("If fluid returns then thoracentesis.", Flag.THORACENTESIS, A.HYPOTHETICAL),
    ("Thoracentesis if fluid returns.", Flag.THORACENTESIS, A.PLANNED),
    ("She will undergo thoracentesis on the ward.", Flag.THORACENTESIS, A.PLANNED),
    ("Thoracentesis last week.", Flag.THORACENTESIS, A.HISTORICAL),
    ("Thoracentesis was done two days ago.", Flag.THORACENTESIS, A.HISTORICAL),
    ("History of thoracentesis.", Flag.THORACENTESIS, A.HISTORICAL),
    ("S/p thoracentesis in 2089.", Flag.THORACENTESIS, A.HISTORICAL),
    ("Her mother had a thoracentesis.", Flag.THORACENTESIS, A.FAMILY),
    ("Thoracentesis was done by interventional radiology.", Flag.THORACENTESIS, A.HISTORICAL),
    ("Prior to thoracentesis lidocaine was given.", Flag.THORACENTESIS, A.AFFIRMED),
    ("Consent was obtained for thoracentesis.", Flag.THORACENTESIS, A.HYPOTHETICAL),
    ("Risks of thoracentesis include bleeding.", Flag.THORACENTESIS, A.HYPOTHETICAL),
    ("After consent was obtained, thoracentesis was performed.", Flag.THORACENTESIS, A.AFFIRMED),
    ("The thoracentesis kit was opened.", Flag.THORACENTESIS, A.OTHER),
    ("Laser was on standby for the tracheal tumor.", Flag.THERMAL_ABLATION, A.OTHER),
    ("PLAN: Thoracentesis.", Flag.THORACENTESIS, A.PLANNED),
    ("HISTORY: Thoracentesis.", Flag.THORACENTESIS, A.HISTORICAL),
    ("CONSENT: Thoracentesis.", Flag.THORACENTESIS, A.HYPOTHETICAL),
    ("NOT DONE: Thoracentesis.", Flag.THORACENTESIS, A.NEGATED),
    ("FAMILY HISTORY: Thoracentesis.", Flag.THORACENTESIS, A.FAMILY),
    ("POSTOPERATIVE DIAGNOSIS: Thoracentesis.", Flag.THORACENTESIS, A.OTHER),
    ("[ ] Thoracentesis", Flag.THORACENTESIS, A.NEGATED),
    ("[x] Thoracentesis", Flag.THORACENTESIS, A.AFFIRMED),
    ("Sent for ?thoracentesis today.", Flag.THORACENTESIS, A.HYPOTHETICAL),
    # Who overrules an objection does the act: the word denies nothing, before it or behind it.
    ("The objection was overruled and pleurodesis was performed.", Flag.PLEURODESIS, A.AFFIRMED),
    ("The fellow was overruled: pleurodesis was done.", Flag.PLEURODESIS, A.AFFIRMED),
    ("Pleurodesis was performed, the objection overruled.", Flag.PLEURODESIS, A.AFFIRMED),
    ("Pneumothorax ruled out, thoracentesis was done.", Flag.THORACENTESIS, A.AFFIRMED),
    ("The objection was overruled, pleurodesis was not performed.", Flag.PLEURODESIS, A.NEGATED),
]


@pytest.mark.parametrize(
    "statement,flag,expected",
    CASES,
    ids=lambda value: str(value)[:50],
)
def test_assertion(statement: str, flag: Flag, expected: Assertion) -> None:
    assert _assertion(statement, flag) is expected


def test_each_of_two_mentions_has_its_own_assertion() -> None:
    text = SETTING + "Previous thoracentesis was dry; today thoracentesis removed a liter."
    found = [m.assertion for m in find_mentions(text) if m.flag is Flag.THORACENTESIS]
    assert found == [A.HISTORICAL, A.AFFIRMED]


def test_mentions_carry_the_place_of_their_words() -> None:
    text = SETTING + "A 14-Fr  pigtail was placed."
    (tube,) = [m for m in find_mentions(text) if m.flag is Flag.CHEST_TUBE]
    assert text[tube.start : tube.end] == "14-Fr  pigtail"
