"""Paired comparison: sees what is there, stays silent on noise, and corrects for trying often."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.evaluation.comparison import METRICS, compare, holm, randomisation_test
from thce.evaluation.multilabel import outcomes

LABELS = 6


def systems(seed: int, notes: int, recall: dict[str, float]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = (rng.random((notes, LABELS)) < 0.3).astype(np.int8)
    return {
        name: outcomes(
            label,
            np.where(label, rng.random(label.shape) < rate, rng.random(label.shape) < 0.05),
        )
        for name, rate in recall.items()
    }


def test_a_system_against_itself_shows_nothing() -> None:
    added = systems(0, 40, {"model": 0.8})
    for found in compare(added, [("model", "model")]):
        assert found.difference.estimate == found.difference.low == found.difference.high == 0
        assert found.p_value == 1


def test_a_clear_difference_is_found_in_both_metrics() -> None:
    added = systems(0, 80, {"model": 0.9, "rules": 0.5})
    for found in compare(added, [("model", "rules")]):
        assert found.difference.low > 0.1
        assert found.p_value < 0.001


def test_swapping_the_systems_turns_the_sign_and_keeps_p() -> None:
    added = systems(1, 60, {"model": 0.8, "rules": 0.7})
    there, back = compare(added, [("model", "rules")]), compare(added, [("rules", "model")])
    for one, other in zip(there, back, strict=True):
        assert one.difference.estimate == pytest.approx(-other.difference.estimate)
        assert one.p_value == pytest.approx(other.p_value, abs=0.02)


def test_pairing_sees_more_than_two_separate_intervals_would() -> None:
    rng = np.random.default_rng(2)
    label = (rng.random((60, LABELS)) < 0.3).astype(np.int8)
    base = np.where(label, rng.random(label.shape) < 0.6, False)
    better = base | ((label == 1) & (rng.random(label.shape) < 0.15))
    added = {"model": outcomes(label, better), "rules": outcomes(label, base)}
    (micro, _) = compare(added, [("model", "rules")])
    assert micro.difference.low > 0
    assert micro.difference.high - micro.difference.low < 0.1


def test_systems_that_are_alike_are_rarely_told_apart() -> None:
    rejected, excluded = 0, 0
    for seed in range(100):
        added = systems(seed, 40, {"a": 0.75, "b": 0.75})
        both = np.stack([added["a"], added["b"]], axis=1)
        rejected += randomisation_test(both, METRICS, swaps=399)["micro_f1"] < 0.05
        found = compare(added, [("a", "b")], resamples=200) if seed < 40 else []
        excluded += any(one.difference.excludes(0) for one in found if one.metric == "micro_f1")
    assert rejected <= 12
    assert excluded <= 7


def test_order_of_the_notes_and_copies_in_groups_change_nothing() -> None:
    added = systems(3, 50, {"model": 0.8, "rules": 0.7})
    shuffled = np.random.default_rng(0).permutation(50)
    moved = {name: counts[shuffled] for name, counts in added.items()}
    assert compare(moved, [("model", "rules")]) == compare(added, [("model", "rules")])
    copied = {name: np.repeat(counts, 3, axis=0) for name, counts in added.items()}
    groups = [f"note {row // 3}" for row in range(150)]
    for one, other in zip(
        compare(copied, [("model", "rules")], groups=groups),
        compare(added, [("model", "rules")]),
        strict=True,
    ):
        assert one.p_value == other.p_value
        assert one.difference.low == pytest.approx(other.difference.low)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_lies_between_the_p_value_and_bonferroni(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for before, after in zip(p_values, corrected, strict=True):
        assert before <= after <= min(1.0, before * len(p_values))
    by_size = np.argsort(p_values)
    assert (np.diff(np.array(corrected)[by_size]) >= 0).all()


def test_several_pairs_are_corrected_together_per_metric() -> None:
    added = systems(4, 60, {"model": 0.8, "rules": 0.7, "union": 0.78})
    found = compare(added, [("model", "rules"), ("model", "union")])
    for metric in METRICS:
        family = [one for one in found if one.metric == metric]
        assert [one.p_adjusted for one in family] == holm([one.p_value for one in family])
