"""The one sort that serves every fold gives what a fit on the other folds alone would give."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from thce.registry.threshold_search import (
    LEFT_OUT,
    f_beta,
    recall_at_precision,
    sorted_keys,
    thresholds_of,
)

scores = st.sampled_from([0.0, 0.1, 0.25, 0.25000003, 0.5, 0.75, 1.0]) | st.floats(0, 1, width=32)
objectives = st.sampled_from([f_beta(1), f_beta(0.5), recall_at_precision(0.6)])


@settings(max_examples=80, deadline=None)
@given(data=st.data(), cells=st.integers(1, 25), folds=st.integers(1, 4), objective=objectives)
def test_leaving_a_fold_out_is_fitting_without_its_cells(data, cells, folds, objective) -> None:
    shape = (3, cells)
    score = data.draw(hnp.arrays(np.float32, shape, elements=scores))
    fold = data.draw(hnp.arrays(np.int8, shape, elements=st.integers(LEFT_OUT, folds - 1)))
    positive = data.draw(hnp.arrays(bool, shape)) & (fold != LEFT_OUT)
    found = thresholds_of(sorted_keys(score, positive, fold), folds, objective)
    assert found.shape == (3, folds + 1)
    for row in range(3):
        for left_out in range(folds + 1):
            keep = (fold[row] != left_out) & (fold[row] != LEFT_OUT)
            if not keep.any():
                assert np.isnan(found[row, left_out])
                continue
            keys = sorted_keys(
                score[row, keep][None],
                positive[row, keep][None],
                np.zeros((1, keep.sum()), dtype=np.int8),
            )
            alone = thresholds_of(keys, 1, objective)
            np.testing.assert_equal(found[row, left_out], alone[0, 1])
