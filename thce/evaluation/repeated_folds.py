"""Intervals over the folds of a repeated cross-validation, corrected for their overlap."""

from collections.abc import Sequence

import numpy as np

from thce.evaluation.intervals import LEVEL, Interval


def corrected_interval(
    values: Sequence[float], test_to_training: float, level: float = LEVEL
) -> Interval:
    """The mean of a figure over folds, with Nadeau and Bengio's corrected t interval (2003).

    Folds share most of their training notes, so their figures vary less than those of models
    trained on notes of their own; the variance of the mean is taken as
    (1 / J + n_test / n_train) s^2 instead of s^2 / J, with J - 1 degrees of freedom. Folds in
    which the figure is undefined are left out.

    Args:
        values: the figure of each fold of each repetition.
        test_to_training: test notes of a fold by its training notes.
        level: coverage aimed at.

    Returns:
        NaN without a value; no limits with fewer than two.
    """
    from scipy.stats import t

    known = np.asarray(values, dtype=np.float64)
    known = known[~np.isnan(known)]
    count = len(known)
    mean = float(known.mean()) if count else np.nan
    if count < 2:
        return Interval(mean, np.nan, np.nan, level, "corrected t")
    deviation = np.sqrt((1 / count + test_to_training) * known.var(ddof=1))
    reach = float(t.ppf((1 + level) / 2, count - 1) * deviation)
    return Interval(mean, mean - reach, mean + reach, level, "corrected t")
