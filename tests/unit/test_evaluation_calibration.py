"""Calibration: what is honest scores low, what is overconfident scores high."""

import math

import numpy as np
import pytest

from thce.evaluation.calibration import calibration_error, reliability


def draw(cells: int, sharpen: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    true_rate = rng.beta(0.5, 2, cells)
    label = (rng.random(cells) < true_rate).astype(np.int8)
    odds = (true_rate / (1 - true_rate)) ** sharpen
    return odds / (1 + odds), label


def test_honest_probabilities_beat_overconfident_ones() -> None:
    honest = calibration_error(reliability(*draw(20_000, sharpen=1)))
    overconfident = calibration_error(reliability(*draw(20_000, sharpen=4)))
    assert honest < 0.01
    assert overconfident > 0.08


def test_bins_hold_equally_many_cells_and_all_of_them() -> None:
    bins = reliability(*draw(1000, sharpen=1))
    assert [part.count for part in bins] == [100] * 10
    assert len(reliability(*draw(45, sharpen=1))) == 2


def test_equal_probabilities_share_a_bin() -> None:
    probability = np.array([0.01] * 90 + [0.9] * 10)
    label = np.array([0] * 90 + [1] * 9 + [0], dtype=np.int8)
    bins = reliability(probability, label)
    assert [part.count for part in bins] == [90, 10]
    assert calibration_error(bins) == pytest.approx(0.9 * 0.01)
    assert bins[1].observed.low < 0.9 < bins[1].observed.high
    assert reliability(probability[::-1], label[::-1]) == bins


def test_unknown_cells_are_left_out() -> None:
    probability, label = draw(500, sharpen=1)
    hidden = np.concatenate([label, np.full(500, -1, np.int8)])
    twice = np.concatenate([probability, 1 - probability])
    assert reliability(twice, hidden) == reliability(probability, label)
    assert math.isnan(calibration_error(reliability(probability, np.full(500, -1, np.int8))))
