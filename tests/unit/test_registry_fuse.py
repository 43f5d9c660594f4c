"""Fusion: who found a flag, who may veto it, and what a person should look at."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_bundle import flat_thresholds

from thce.errors import InputError
from thce.registry.evidence import PRIOR, Sources
from thce.registry.fuse import BOTH, MODEL, RULE, SET_POLICIES, Fusion, Signals
from thce.registry.hydrated import list_column
from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN, Flag

LOW, HIGH = 0.1, 0.9
CELLS = st.sampled_from([TRUE, FALSE, UNKNOWN])


def probabilities(**high: float) -> np.ndarray:
    """One note, LOW everywhere but on the named flags."""
    row = np.full((1, N_FLAGS), LOW, dtype=np.float32)
    for name, value in high.items():
        row[0, Flag[name].position] = value
    return row


def signals(disputed: bool = False, **label: int) -> Signals:
    """One note on which the form says what is named; UNKNOWN elsewhere."""
    cells = np.full((1, N_FLAGS), UNKNOWN, dtype=np.int8)
    for name, value in label.items():
        cells[0, Flag[name].position] = value
    return of_label(cells, cells, np.array([disputed]))


def of_label(label: np.ndarray, structured: np.ndarray, disputed: np.ndarray) -> Signals:
    """Signals in which the text says what the form does not."""
    silent = np.full_like(label, UNKNOWN)
    text = np.where(structured == UNKNOWN, label, UNKNOWN).astype(np.int8)
    confidence = np.select([text == TRUE, text == FALSE], [0.6, 0.5], 0.0).astype(np.float32)
    billed = np.zeros(label.shape, bool)
    return Signals(label, Sources(structured, silent, billed, text, confidence), disputed)


def keyword(**label: int) -> Signals:
    """One note of which the text alone says what is named."""
    found = signals(**label)
    return of_label(found.label, np.full_like(found.label, UNKNOWN), found.disputed)


def test_each_accepted_flag_says_who_found_it() -> None:
    fused = Fusion(policy="veto_union").fuse(
        probabilities(BAL=HIGH, IPC=HIGH),
        flat_thresholds("fp32"),
        signals(BAL=TRUE, CHEST_TUBE=TRUE),
    )
    assert fused.source[0, Flag.BAL.position] == BOTH
    assert fused.source[0, Flag.IPC.position] == MODEL
    assert fused.source[0, Flag.CHEST_TUBE.position] == RULE
    assert fused.accept.sum() == 3


def test_a_form_that_says_false_overrules_the_model_and_a_keyword_does_not() -> None:
    found = probabilities(BAL=HIGH)
    vetoed = Fusion(policy="veto_union").fuse(found, flat_thresholds("fp32"), signals(BAL=FALSE))
    assert not vetoed.accept.any()
    assert vetoed.needs_review[0]
    doubted = Fusion(policy="veto_union").fuse(found, flat_thresholds("fp32"), keyword(BAL=FALSE))
    assert doubted.accept[0, Flag.BAL.position]
    assert doubted.needs_review[0]
    plain_union = Fusion(policy="union").fuse(found, flat_thresholds("fp32"), signals(BAL=FALSE))
    assert plain_union.accept[0, Flag.BAL.position]


def test_a_dormant_flag_is_found_by_the_rules_only() -> None:
    thresholds = flat_thresholds("fp32", dormant=(Flag.BLVR, Flag.BAL))
    fused = Fusion(policy="veto_union").fuse(
        probabilities(BLVR=HIGH, BAL=HIGH), thresholds, signals(BLVR=TRUE)
    )
    assert fused.source[0, Flag.BLVR.position] == RULE
    assert not fused.accept[0, Flag.BAL.position]
    assert not fused.needs_review[0]


def test_a_probability_in_the_band_asks_for_review() -> None:
    thresholds = flat_thresholds("fp32", 0.5)
    near, far = probabilities(BAL=0.47), probabilities(BAL=0.40)
    unknown = signals()
    assert Fusion(band=0.05).fuse(near, thresholds, unknown).needs_review[0]
    assert not Fusion(band=0.05).fuse(far, thresholds, unknown).needs_review[0]
    assert Fusion(band=0.15).fuse(far, thresholds, unknown).needs_review[0]


@pytest.mark.parametrize(
    ("found", "signal", "review"),
    [
        (HIGH, TRUE, False),
        (HIGH, FALSE, True),
        (HIGH, UNKNOWN, False),
        (LOW, TRUE, True),
        (LOW, FALSE, False),
        (LOW, UNKNOWN, False),
    ],
)
def test_model_and_rules_at_odds_ask_for_review(found: float, signal: int, review: bool) -> None:
    fused = Fusion(policy="veto_union").fuse(
        probabilities(BAL=found), flat_thresholds("fp32"), keyword(BAL=signal)
    )
    assert bool(fused.needs_review[0]) is review


def test_a_billed_code_without_support_in_the_note_asks_for_review() -> None:
    fused = Fusion().fuse(probabilities(), flat_thresholds("fp32"), signals(disputed=True))
    assert fused.needs_review[0]


@given(
    scores=arrays(np.float32, (3, N_FLAGS), elements=st.floats(0, 1, width=32)),
    label=arrays(np.int8, (3, N_FLAGS), elements=CELLS),
    structured=arrays(np.int8, (3, N_FLAGS), elements=CELLS),
    policy=st.sampled_from(sorted(SET_POLICIES)),
)
def test_notes_do_not_influence_each_other_and_sources_cover_what_is_accepted(
    scores: np.ndarray, label: np.ndarray, structured: np.ndarray, policy: str
) -> None:
    fusion = Fusion.model_validate({"policy": policy})
    thresholds = flat_thresholds("fp32", dormant=(Flag.IPC,))
    together = fusion.fuse(scores, thresholds, of_label(label, structured, np.zeros(3, bool)))
    assert ((together.source > 0) == together.accept).all()
    assert not (together.source[:, Flag.IPC.position] & MODEL).any()
    for row in range(3):
        one = slice(row, row + 1)
        alone = fusion.fuse(
            scores[one], thresholds, of_label(label[one], structured[one], np.zeros(1, bool))
        )
        assert (alone.source[0] == together.source[row]).all()
        assert alone.needs_review[0] == together.needs_review[row]


def test_signals_come_from_the_hydrated_columns() -> None:
    label = np.full((2, N_FLAGS), UNKNOWN, dtype=np.int8)
    label[1, Flag.BAL.position] = TRUE
    table = pa.table(
        {
            "label": list_column(label, pa.int8()),
            "structured_signal": list_column(-label, pa.int8()),
            "cpt_codes": pa.array([[], ["31624"]], pa.list_(pa.string())),
            "cpt_signal": list_column(label, pa.int8()),
            "keyword_signal": list_column(label, pa.int8()),
            "keyword_confidence": list_column((label == TRUE) * np.float32(0.6), pa.float32()),
            "disputed_codes": pa.array([["31628"], []], pa.list_(pa.string())),
        }
    ).slice(0, 2)
    found = Signals.from_table(table)
    assert (found.label == label).all()
    assert (found.sources.form == -label).all()
    assert (found.sources.code == label).all()
    assert not found.sources.unbilled[0].any()
    assert not found.sources.unbilled[
        1, [Flag.BAL.position, Flag.RIGID_BRONCHOSCOPY.position]
    ].any()
    assert found.sources.unbilled[1, Flag.IPC.position]
    assert (found.found == ((label == TRUE) | (-label == TRUE))).all()
    assert found.disputed.tolist() == [True, False]
    assert Signals.from_table(table.slice(1)).disputed.tolist() == [False]


def test_fusion_survives_its_file_and_an_unknown_policy_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fusion.json"
    Fusion(policy="union", band=0.1).save(path)
    assert Fusion.load(path) == Fusion(policy="union", band=0.1)
    Fusion().save(path)
    assert Fusion.load(path).weights == PRIOR
    path.write_text(json.dumps({"policy": "oracle"}))
    with pytest.raises(InputError, match=r"fusion\.json: give policy"):
        Fusion.load(path)
