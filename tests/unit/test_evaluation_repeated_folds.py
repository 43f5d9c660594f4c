"""The corrected interval over folds: its formula, and what it is corrected for."""

import math

import numpy as np
import pytest

from thce.evaluation.repeated_folds import corrected_interval


def test_it_is_nadeau_and_bengios_formula() -> None:
    """Five folds, mean 0.7, s = 0.1, n_test / n_train = 1/4, t(4) at 0.975 = 2.776."""
    values = 0.7 + 0.1 * np.array([-1.5, -0.5, 0.0, 0.5, 1.5]) / math.sqrt(1.25)
    found = corrected_interval(values.tolist(), 0.25)
    assert found.estimate == pytest.approx(0.7)
    reach = 2.7764 * math.sqrt((1 / 5 + 1 / 4) * 0.01)
    assert (found.low, found.high) == pytest.approx((0.7 - reach, 0.7 + reach), abs=1e-4)


def test_repetitions_of_the_same_folds_add_no_certainty_beyond_the_overlap() -> None:
    """However often folds are drawn from the same notes, s^2 n_test / n_train remains."""
    rng = np.random.default_rng(0)
    values = rng.normal(0.7, 0.1, 2000)
    found = corrected_interval(values.tolist(), 0.25)
    assert found.high - found.low == pytest.approx(2 * 1.96 * 0.1 * 0.5, rel=0.06)


def test_undefined_folds_are_left_out_and_one_fold_has_no_interval() -> None:
    found = corrected_interval([0.4, math.nan, 0.6], 0.5)
    assert found.estimate == pytest.approx(0.5)
    alone = corrected_interval([0.4, math.nan], 0.5)
    assert alone.estimate == 0.4
    assert math.isnan(alone.low)
    assert math.isnan(corrected_interval([], 0.5).estimate)
