"""Intervals cover what they should, widen with dependence and do not hang on the order."""

import math
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.evaluation.intervals import bootstrap, f1_interval, wilson
from thce.evaluation.multilabel import f1, macro_f1, micro_f1, outcomes

LABELS = 8
PREVALENCE = np.linspace(0.05, 0.4, LABELS)
STATISTICS = {"micro": micro_f1, "macro": macro_f1}


def draw(notes: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    label = rng.random((notes, LABELS)) < PREVALENCE
    predicted = np.where(label, rng.random(label.shape) < 0.8, rng.random(label.shape) < 0.05)
    return outcomes(label.astype(np.int8), predicted)


def test_bootstrap_covers_the_truth_about_as_often_as_it_says() -> None:
    truth = draw(300_000, seed=0).sum(axis=0)
    covered = {"micro": 0, "macro": 0}
    for seed in range(1, 151):
        found = bootstrap(draw(80, seed), STATISTICS, resamples=400)
        for name, statistic in STATISTICS.items():
            covered[name] += not found[name].excludes(float(statistic(truth)))
    assert 0.88 < covered["micro"] / 150 <= 1
    assert 0.88 < covered["macro"] / 150 <= 1


def test_single_label_interval_covers_without_resampling() -> None:
    truth = f1(draw(300_000, seed=0).sum(axis=0))
    inside = []
    for seed in range(1, 301):
        counts = draw(80, seed).sum(axis=0)
        inside += [
            not f1_interval(*counts[:, column]).excludes(truth[column]) for column in range(LABELS)
        ]
    assert 0.93 < np.mean(inside) < 0.99


def test_order_of_the_notes_does_not_move_the_interval() -> None:
    counts = draw(60, seed=3)
    groups = np.array([f"patient {row // 3}" for row in range(60)])
    shuffled = np.random.default_rng(1).permutation(60)
    assert bootstrap(counts, STATISTICS) == bootstrap(counts[shuffled], STATISTICS)
    assert bootstrap(counts, STATISTICS, groups=groups) == bootstrap(
        counts[shuffled], STATISTICS, groups=groups[shuffled]
    )


def test_copies_of_notes_add_no_certainty_when_grouped() -> None:
    counts = draw(50, seed=4)
    once = bootstrap(counts, STATISTICS)["micro"]
    copied = np.repeat(counts, 4, axis=0)
    groups = [f"note {row // 4}" for row in range(200)]
    grouped = bootstrap(copied, STATISTICS, groups=groups)["micro"]
    naive = bootstrap(copied, STATISTICS)["micro"]
    assert (grouped.low, grouped.high) == pytest.approx((once.low, once.high))
    assert naive.high - naive.low < 0.7 * (once.high - once.low)


def test_another_seed_moves_the_interval_only_a_little() -> None:
    counts = draw(100, seed=5)
    one, other = (bootstrap(counts, STATISTICS, seed=seed)["macro"] for seed in (42, 43))
    assert one != other
    assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.02)


def test_statistic_undefined_everywhere_has_an_undefined_interval() -> None:
    nothing = bootstrap(np.zeros((5, 3, 2), dtype=np.int32), STATISTICS)["micro"]
    assert math.isnan(nothing.estimate)
    assert not nothing.excludes(0)
    assert nothing.to_dict()["low"] is None


def test_ten_thousand_notes_take_about_a_second() -> None:
    rng = np.random.default_rng(0)
    label = (rng.random((10_000, 29)) < 0.1).astype(np.int8)
    counts = outcomes(label, rng.random(label.shape) < 0.1)
    start = perf_counter()
    bootstrap(counts, STATISTICS)
    assert perf_counter() - start < 6  # measured 0.3 on an idle core


def test_wilson_agrees_with_published_values() -> None:
    # Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for successes, trials, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        found = wilson(successes, trials)
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert math.isnan(wilson(0, 0).low)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_f1_interval_holds_the_estimate_and_always_has_width(tp: int, fp: int, fn: int) -> None:
    found = f1_interval(tp, fp, fn)
    if not tp + fp + fn:
        assert math.isnan(found.estimate)
        return
    assert found.estimate == pytest.approx(2 * tp / (2 * tp + fp + fn))
    assert 0 <= found.low <= found.estimate + 1e-12
    assert found.estimate <= found.high + 1e-12 <= 1 + 1e-9
    assert found.high - found.low > 0.01
