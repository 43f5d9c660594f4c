import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.bench.label_curves import Curves, area_under, labels_to_reach, summarise

SPENT = np.array([20, 30, 40, 50])


def curves(lift: float = 0.05, noise: float = 0.02, seed: int = 0) -> Curves:
    """Random and one strategy that lies above it by `lift`, on 4 splits and 3 seeds."""
    draw = np.random.default_rng(seed)
    course = np.array([0.3, 0.4, 0.5, 0.55])
    shared = draw.normal(scale=0.1, size=(4, 1, 1, 1, 1))
    scores = course + shared + draw.normal(scale=noise, size=(4, 3, 2, 2, 4))
    scores[:, :, 1] += lift
    return Curves(("random", "other"), SPENT, scores)


def test_area_is_the_mean_height_over_the_budget():
    assert area_under(np.full(4, 0.4), SPENT) == pytest.approx(0.4)
    assert area_under(np.array([0.0, 1.0, 1.0]), np.array([0, 10, 40])) == pytest.approx(35 / 40)


@pytest.mark.parametrize(
    ("curve", "labels"),
    [
        ([0.1, 0.2, 0.4, 0.5], 35.0),
        ([0.3, 0.3, 0.3, 0.4], 20.0),
        ([0.1, 0.5, 0.2, 0.4], 45.0),
        ([0.1, 0.5, 0.5, 0.2], np.inf),
    ],
)
def test_labels_to_reach_counts_the_last_crossing_and_interpolates(curve, labels):
    assert labels_to_reach(np.array(curve), np.float64(0.3), SPENT) == pytest.approx(labels)


@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.lists(st.floats(0, 0.5), min_size=4, max_size=4),
    st.floats(0, 1),
)
@settings(max_examples=50, deadline=None)
def test_a_curve_nowhere_below_another_never_needs_more_labels(lower, rise, target):
    above = np.array(lower) + np.array(rise)
    needed = labels_to_reach(np.stack([np.array(lower), above]), np.float64(target), SPENT)
    assert needed[1] <= needed[0] + 1e-6


def test_random_against_itself_needs_all_labels_and_gains_nothing():
    random = summarise(curves(), resamples=200)[0]
    assert (random.share.estimate, random.share.low, random.share.high) == (1, 1, 1)
    assert random.gain["macro_f1"].estimate == random.gain["macro_f1"].high == 0


def test_pairing_sees_a_gain_that_lies_within_the_spread_of_splits():
    random, other = summarise(curves(), resamples=500)
    assert other.gain["macro_f1"].low > 0.03
    assert other.area["macro_f1"].low < random.area["macro_f1"].high
    assert 20 / 50 < other.share.low < other.share.estimate < other.share.high < 1


def test_a_strategy_that_stays_below_never_gets_there():
    _, other = summarise(curves(lift=-0.2), resamples=200)
    assert np.isinf(other.labels.estimate) and np.isinf(other.labels.low)


def test_few_splits_give_no_narrower_interval_than_independent_courses():
    few = curves(noise=0.001)
    independent = Curves(few.strategies, SPENT, few.scores.reshape(12, 1, 2, 2, 4))
    widths = [
        one.area["macro_f1"].high - one.area["macro_f1"].low
        for one in (summarise(few, 500)[0], summarise(independent, 500)[0])
    ]
    assert widths[0] > widths[1]
