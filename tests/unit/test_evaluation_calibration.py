"""Calibration: what is honest scores low, what is overconfident scores high."""

import math

import numpy as np
import pytest

from thce.evaluation.calibration import Calibration, measure, measure_labels, reliability


def draw(cells: int, sharpen: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true_rate = rng.beta(0.5, 2, cells)
    label = (rng.random(cells) < true_rate).astype(np.int8)
    odds = (true_rate / (1 - true_rate)) ** sharpen
    return odds / (1 + odds), label


def column(probability: np.ndarray, label: np.ndarray, resamples: int = 200) -> Calibration:
    return measure(probability[:, None], label[:, None], resamples=resamples)


def test_honest_probabilities_beat_overconfident_ones() -> None:
    honest = column(*draw(20_000, sharpen=1))
    overconfident = column(*draw(20_000, sharpen=4))
    assert honest.error.estimate < 0.01
    assert honest.error.low == 0, "the true error is within the interval"
    assert overconfident.error.estimate > overconfident.error.low > 0.08
    assert honest.error.estimate < 1.5 * honest.error_if_perfect
    assert overconfident.error.low > 3 * overconfident.error_if_perfect
    assert honest.brier.high < overconfident.brier.low


def test_of_few_cells_the_interval_takes_the_bias_off() -> None:
    """Honest probabilities: the true error is 0, yet the estimate never is."""
    found = [measured(seed) for seed in range(60)]
    assert np.mean([one.error.estimate for one in found]) == pytest.approx(
        np.mean([one.error_if_perfect for one in found]), abs=0.01
    )
    assert np.mean([one.error.low == 0 for one in found]) > 0.9
    assert all(one.bins == 5 for one in found)


def measured(seed: int) -> Calibration:
    rng = np.random.default_rng(seed)
    rate = rng.beta(0.5, 2, 100)
    return column(rate, (rng.random(100) < rate).astype(np.int8))


def test_copies_of_notes_add_no_certainty() -> None:
    probability, label = (values.reshape(150, 2) for values in draw(300, sharpen=2))
    once = measure(probability, label, resamples=500)
    twice = measure(
        np.concatenate([probability] * 2),
        np.concatenate([label] * 2),
        groups=[f"g{row % 150}" for row in range(300)],
        resamples=500,
    )
    assert twice.brier.estimate == pytest.approx(once.brier.estimate)
    assert twice.brier.high - twice.brier.low == pytest.approx(
        once.brier.high - once.brier.low, rel=0.1
    )


def test_every_label_is_measured_alone_and_all_together() -> None:
    probability, label = (values.reshape(200, 2) for values in draw(400, sharpen=1))
    label[:, 1] = -1
    found = measure_labels(probability, label, ("seen", "unknown"))
    assert (found.pooled.cells, found.labels["seen"].cells) == (200, 200)
    assert found.labels["seen"].error == found.pooled.error
    assert found.to_dict()["labels"]["unknown"]["error"]["estimate"] is None
    assert sum(part.count for part in found.reliability) == 200


def test_bins_hold_equally_many_cells_and_all_of_them() -> None:
    bins = reliability(*draw(1000, sharpen=1))
    assert [part.count for part in bins] == [100] * 10
    assert len(reliability(*draw(45, sharpen=1))) == 2


def test_equal_probabilities_share_a_bin() -> None:
    probability = np.array([0.01] * 90 + [0.9] * 10)
    label = np.array([0] * 90 + [1] * 9 + [0], dtype=np.int8)
    bins = reliability(probability, label)
    assert [part.count for part in bins] == [90, 10]
    assert column(probability, label).error.estimate == pytest.approx(0.9 * 0.01)
    assert bins[1].observed.low < 0.9 < bins[1].observed.high
    assert reliability(probability[::-1], label[::-1]) == bins


def test_unknown_cells_are_left_out() -> None:
    probability, label = draw(500, sharpen=1)
    hidden = np.concatenate([label, np.full(500, -1, np.int8)])
    twice = np.concatenate([probability, 1 - probability])
    assert reliability(twice, hidden) == reliability(probability, label)
    assert math.isnan(column(probability, np.full(500, -1, np.int8)).error.estimate)
