"""Sections and sentences as notes are really laid out."""

import pytest

from thce.registry.headers import Section, header_kind
from thce.registry.sections import sentences


def _sections(text: str) -> dict[str, Section]:
    """Each sentence of a text, with its section."""
    return {text[s.start : s.end].strip(" ,.\n"): s.section for s in sentences(text)}


@pytest.mark.parametrize(
    "label,kind",
    [
        ("PROCEDURES PERFORMED", Section.TITLE),
        ("Procedure in detail", Section.BODY),
        ("INDICATIONS FOR PROCEDURE", Section.INDICATION),
        ("Past surgical history", Section.HISTORY),
        ("PROCEDURES PLANNED ON CONSENT", Section.CONSENT),
        ("Recommendations", Section.PLAN),
        ("Not done", Section.NOT_DONE),
        ("Addendum 14:30", Section.ADDENDUM),
        ("Family history", Section.FAMILY),
        ("Preoperative diagnosis", Section.DIAGNOSIS),
        ("Date of procedure", Section.OTHER),
        ("Airway inspection findings", Section.BODY),
        ("Left main", None),
    ],
)
def test_header_kinds(label: str, kind: Section | None) -> None:
    assert header_kind(label) is kind


def test_run_on_dictation_is_cut_at_headers_in_capitals() -> None:
    found = _sections(
        "PREOPERATIVE DIAGNOSIS:,  Effusion.,PROCEDURE PERFORMED:,  Thoracentesis.,"
        "INDICATIONS: , Dyspnea.,DESCRIPTION:,  The chest was prepped."
    )
    assert list(found.values()) == [
        Section.DIAGNOSIS,
        Section.TITLE,
        Section.INDICATION,
        Section.BODY,
    ]


def test_inline_section_ends_at_the_blank_line() -> None:
    found = _sections("Operative note\nBody begins here.\nPLAN: Biopsy in June.\n\nAll went well.")
    assert found["PLAN: Biopsy in June"] is Section.PLAN
    assert found["All went well"] is Section.BODY


def test_addendum_runs_to_the_end() -> None:
    found = _sections("Note.\nADDENDUM, Dr. Q, 15:50\nFilm: air.\n\nA drain was placed.")
    assert found["A drain was placed"] is Section.ADDENDUM


def test_an_account_under_the_indication_is_body() -> None:
    found = _sections(
        "PROCEDURE: Bronchoscopy. INDICATION: Cough. The patient was brought to the suite. "
        "The scope was passed."
    )
    assert found["The scope was passed"] is Section.BODY


def test_prose_under_a_procedure_header_is_an_account() -> None:
    found = _sections(
        "Header line of the note that is long enough not to be taken for a title at all, yes.\n"
        "PROCEDURE: The patient was placed supine and the chest was prepped. A needle was passed."
    )
    assert found["A needle was passed"] is Section.PROCEDURE


def test_checkboxes_carry_their_state() -> None:
    text = "PROCEDURES: [x] BAL  [ ] Brush  ( ) Wash"
    states = {text[s.start : s.end].split()[-1]: s.checked for s in sentences(text)}
    assert states["BAL"] is True
    assert states["Brush"] is False
    assert states["Wash"] is False


@pytest.mark.parametrize(
    "text,count",
    [
        ("Seen by Dr. Vale today. Lidocaine 1.5 mL given.", 2),
        ("A 14 Fr. tube was placed.", 1),
        ("No. 28 tube placed.", 1),
        ("Was there fluid? No. A drain was not needed.", 3),
        ("the scope was passed through the nostril and then on into the trachea\nwithout", 1),
        ("BAL RML 100 in\nTBBx x6", 2),
        ("Brushings: No   TBBx: Yes", 2),
    ],
)
def test_sentence_boundaries(text: str, count: int) -> None:
    assert len(sentences(text)) == count


def test_sentences_cover_every_letter_in_order() -> None:
    text = "TITLE LINE\n\nHISTORY: Old.\n1. One. 2. Two.\nPLAN:\n- a\n- b; c\nsigned"
    covered = "".join(text[s.start : s.end] for s in sentences(text))
    letters = [c for c in text if c.isalpha()]
    assert [c for c in covered if c.isalpha()] == letters
