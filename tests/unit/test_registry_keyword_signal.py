"""The note-level decision: tiers of evidence, silence, corrections, kinds of note, and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.registry.keywords import find_mentions, keyword_signal
from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN, Flag

FRAME = (
    "PROCEDURE NOTE\nTime-out was done. Sedation with midazolam, lidocaine to the airway. The "
    "bronchoscope was introduced by mouth and all segments were seen on both sides without any "
    "abnormality. Vital signs were stable throughout the examination and she went back to the "
    "ward awake, with a nurse, in good condition.\n"
)


def _cell(text: str, flag: Flag) -> tuple[int, float]:
    result = keyword_signal(text)
    return int(result.cells[flag.position]), round(float(result.confidence[flag.position]), 2)


def test_confidence_follows_the_evidence() -> None:
    assert _cell(FRAME + "BAL was performed.", Flag.BAL) == (TRUE, 0.60)
    assert _cell(FRAME + "SPECIMENS: BAL", Flag.BAL) == (TRUE, 0.50)
    assert _cell(FRAME + "No BAL.", Flag.BAL) == (FALSE, 0.50)
    assert _cell(FRAME + "PLAN: BAL in June.", Flag.BAL) == (FALSE, 0.30)
    assert _cell(FRAME, Flag.BAL) == (FALSE, 0.30)


def test_a_denial_overrules_the_heading_but_not_an_act() -> None:
    listed = "PROCEDURES PERFORMED: BAL, brushings\n" + FRAME
    assert _cell(listed + "BAL was not performed.", Flag.BAL) == (FALSE, 0.50)
    assert _cell(listed + "Brushings were not taken.", Flag.BRUSHINGS) == (FALSE, 0.50)
    done = FRAME + "BAL was performed in the middle lobe. No BAL was performed on the left."
    assert _cell(done, Flag.BAL) == (TRUE, 0.60)


def test_an_addendum_overrules_the_body() -> None:
    body = FRAME + "BAL was performed. Brushings were not taken.\n"
    corrected = body + "ADDENDUM: BAL was listed in error. Brushings were taken from the left."
    assert _cell(corrected, Flag.BAL) == (FALSE, 0.50)
    assert _cell(corrected, Flag.BRUSHINGS) == (TRUE, 0.60)


def test_a_cancelled_procedure_is_not_taken_from_its_heading() -> None:
    text = (
        "PROCEDURE NOTE\nFlexible bronchoscopy with BAL\nThe patient developed atrial fibrillation "
        "in the holding area and the procedure was cancelled before sedation. No scope was "
        "inserted. He was transferred to telemetry, and the team will rebook him in two weeks."
    )
    result = keyword_signal(text)
    assert not (result.cells == TRUE).any()
    assert result.procedure_note


@pytest.mark.parametrize(
    "text",
    ["", "   ", "BAL?", "CLINIC VISIT\n" + "He feels well and walks daily. " * 20, "x" * 500],
)
def test_silence_elsewhere_stays_unknown(text: str) -> None:
    result = keyword_signal(text)
    assert (result.cells == UNKNOWN).all()
    assert (result.confidence == 0).all()
    assert not result.procedure_note


def test_a_short_procedure_note_says_true_and_never_false() -> None:
    result = keyword_signal("Bronchoscopy note. BAL of the RML was performed. No brushings.")
    assert result.cells[Flag.BAL.position] == TRUE
    assert not (result.cells == FALSE).any()


def test_a_discharge_summary_tells_of_the_stay() -> None:
    text = (
        "DISCHARGE SUMMARY\nHISTORY: Thoracentesis in March at another hospital.\n"
        "HOSPITAL COURSE: A left chest tube was placed on day two. Bronchoscopy was considered.\n"
        "FOLLOW UP: Pleurodesis if it recurs."
    )
    result = keyword_signal(text)
    assert result.cells[Flag.CHEST_TUBE.position] == TRUE
    assert (result.cells == TRUE).sum() == 1
    assert not (result.cells == FALSE).any()


def test_a_dated_act_is_of_the_stay_but_past_in_a_procedure_note() -> None:
    act = "A left chest tube was inserted 3/4 by the team."
    stay = "DISCHARGE SUMMARY\nHOSPITAL COURSE: " + act
    assert keyword_signal(stay).cells[Flag.CHEST_TUBE.position] == TRUE
    assert keyword_signal(FRAME + act).cells[Flag.CHEST_TUBE.position] == FALSE


def test_a_described_correction_overrules_a_denied_name() -> None:
    text = FRAME + "ADDENDUM: Spray cryotherapy was delivered to the bronchus, and not laser."
    assert keyword_signal(text).cells[Flag.CRYOTHERAPY.position] == TRUE
    assert keyword_signal(text).cells[Flag.THERMAL_ABLATION.position] == FALSE


def test_a_clinic_note_tells_of_the_past_unless_it_says_today() -> None:
    past = "PULMONARY CLINIC VISIT\nHe underwent bronchoscopy with BAL and a stent was placed."
    assert not (keyword_signal(past).cells == TRUE).any()
    today = "PULMONARY CLINIC VISIT\nThoracentesis was performed today, 800 mL removed."
    assert keyword_signal(today).cells[Flag.THORACENTESIS.position] == TRUE


def test_what_was_done_through_the_scope_implies_the_scope() -> None:
    text = "Procedure note. Transbronchial cryobiopsy RB8 x4 and RB9 x2, fluoroscopy."
    assert keyword_signal(text).cells[Flag.DIAGNOSTIC_BRONCHOSCOPY.position] == TRUE
    pleural = "Procedure note. Left thoracentesis, 900 mL removed."
    assert keyword_signal(pleural).cells[Flag.DIAGNOSTIC_BRONCHOSCOPY.position] != TRUE


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_a_well_formed_signal(text: str) -> None:
    result = keyword_signal(text)
    assert result.cells.dtype == np.int8
    assert result.confidence.dtype == np.float32
    assert result.cells.shape == result.confidence.shape == (N_FLAGS,)
    assert (result.confidence[result.cells == TRUE] <= np.float32(0.60)).all()
    assert ((result.confidence == 0) == (result.cells == UNKNOWN)).all()
    for mention in result.mentions:
        assert 0 <= mention.start < mention.end <= len(text)


SENTENCES = st.sampled_from(
    [
        "BAL was performed.",
        "No brushings were taken.",
        "History of a tracheal stent.",
        "A 14 Fr pigtail was placed over a wire.",
        "The patient did well.",
        "Consider pleurodesis later.",
    ]
)


@given(st.lists(SENTENCES, max_size=5))
@settings(max_examples=40, deadline=None)
def test_sentences_without_procedures_change_nothing(parts: list[str]) -> None:
    text = FRAME + " ".join(parts)
    padded = FRAME + " ".join([*parts, "He was warm and comfortable at the end."])
    assert (keyword_signal(text).cells == keyword_signal(padded).cells).all()


@given(st.lists(SENTENCES, max_size=5))
@settings(max_examples=40, deadline=None)
def test_mentions_of_one_flag_never_overlap(parts: list[str]) -> None:
    by_flag: dict[Flag, int] = {}
    for mention in find_mentions(FRAME + " ".join(parts)):
        assert mention.start >= by_flag.get(mention.flag, 0)
        by_flag[mention.flag] = mention.end
