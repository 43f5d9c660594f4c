"""Scores against counts made by hand; unknown cells out; undefined ratios said to be so."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thce.evaluation.multilabel import macro_f1, micro_f1, outcomes, score

LABEL = np.array(
    [
        [1, 1, 0, 0],
        [1, 0, 0, 0],
        [0, 1, 0, -1],
        [1, -1, 0, -1],
    ],
    dtype=np.int8,
)
PREDICTED = np.array(
    [
        [1, 0, 1, 0],
        [1, 0, 0, 0],
        [1, 0, 0, 1],
        [0, 1, 0, 1],
    ],
    dtype=bool,
)


def test_scores_are_those_counted_by_hand() -> None:
    found = score(LABEL, PREDICTED, ["bal", "ipc", "blvr", "stent"])
    bal, ipc, blvr, stent = found.labels
    assert (bal.tp, bal.fp, bal.fn, bal.tn, bal.support) == (2, 1, 1, 0, 3)
    assert (bal.precision, bal.recall, bal.f1) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (ipc.tp, ipc.fp, ipc.fn, ipc.tn) == (0, 0, 2, 1)
    assert math.isnan(ipc.precision)
    assert (ipc.recall, ipc.f1) == (0.0, 0.0)
    assert (blvr.fp, blvr.precision, blvr.f1) == (1, 0.0, 0.0)
    assert math.isnan(blvr.recall)
    assert (stent.tn, stent.support) == (2, 0)
    assert math.isnan(stent.f1)
    assert found.notes == 4
    assert found.known == 13
    assert found.micro_precision == pytest.approx(2 / 4)
    assert found.micro_recall == pytest.approx(2 / 5)
    assert found.micro_f1 == pytest.approx(4 / 9)
    assert found.macro_labels == ("bal", "ipc")
    assert found.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_undefined_ratios_are_null_in_json() -> None:
    nothing = score(np.zeros((2, 1), np.int8), np.zeros((2, 1), bool), ["bal"])
    content = json.loads(json.dumps(nothing.to_dict(), allow_nan=False))
    assert content["micro_f1"] is None
    assert content["macro_f1"] is None
    assert content["macro_labels"] == []
    assert content["labels"][0]["precision"] is None
    assert content["labels"][0]["tn"] == 2


labels_and_predictions = st.integers(1, 15).flatmap(
    lambda notes: st.tuples(
        hnp.arrays(np.int8, (notes, 3), elements=st.sampled_from([0, 1, -1])),
        hnp.arrays(bool, (notes, 3)),
    )
)


@given(labels_and_predictions)
def test_prediction_on_an_unknown_cell_changes_nothing(data) -> None:
    label, predicted = data
    names = ["a", "b", "c"]
    flipped = np.where(label == -1, ~predicted, predicted)
    one, other = score(label, predicted, names), score(label, flipped, names)
    assert one.to_dict() == other.to_dict()


@given(labels_and_predictions)
def test_f1_is_the_harmonic_mean_and_survives_any_order(data) -> None:
    label, predicted = data
    found = score(label, predicted, ["a", "b", "c"])
    assert score(label[::-1], predicted[::-1], ["a", "b", "c"]).to_dict() == found.to_dict()
    for one in found.labels:
        assert one.tp + one.fp + one.fn + one.tn == (label >= 0)[:, "abc".index(one.name)].sum()
        if one.tp:
            assert one.f1 == pytest.approx(2 / (1 / one.precision + 1 / one.recall))


@given(labels_and_predictions)
def test_many_resamples_at_once_score_like_each_alone(data) -> None:
    label, predicted = data
    counts = outcomes(label, predicted)
    for statistic in (micro_f1, macro_f1):
        together = statistic(counts.astype(float))
        alone = [float(statistic(one)) for one in counts]
        np.testing.assert_allclose(together, alone)
