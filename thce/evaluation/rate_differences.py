"""Differences of two arms' rates over strata: one interval for few cells, one for clustered ones.

Arms are compared within strata only (a flag in a batch), so that strata in which the arms are
unequally large do not pass for a difference. Strata are weighted after Mantel and Haenszel,
which stays unbiased where they are many and small (Greenland and Robins 1985).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import LEVEL, Interval, normal_quantile, wilson_limits
from thce.evaluation.multilabel import ratio

Counts = NDArray[np.integer]
"""(..., strata, 2 arms, 2): successes and trials of each arm in each stratum."""

SUCCESSES, TRIALS = 0, 1
Floats = NDArray[np.float64]


def stratified_difference(counts: Counts, level: float = LEVEL) -> Interval:
    """First arm less second, cells taken as independent; NaN where no stratum holds both arms.

    The hybrid score interval (Newcombe 1998, method 10), from Wilson limits of each arm's
    standardised rate: those of the strata at a relaxed quantile, weighted (Yan and Su 2010).
    With one stratum it is Newcombe's interval.

    Args:
        counts: (strata, 2, 2).
        level: coverage aimed at.
    """
    _, weight = _mantel_haenszel(counts)
    both = weight > 0
    if not both.any():
        return Interval(np.nan, np.nan, np.nan, level, "newcombe")
    share = weight[both] / weight[both].sum()
    rate = counts[both][..., SUCCESSES] / counts[both][..., TRIALS]
    z = normal_quantile(level)
    limits = [
        _standardised_limits(rate[:, arm], counts[both][:, arm, TRIALS], share, z) for arm in (0, 1)
    ]
    (first_low, first, first_high), (second_low, second, second_high) = limits
    below = np.hypot(first - first_low, second_high - second)
    above = np.hypot(first_high - first, second - second_low)
    difference = first - second
    return Interval(
        difference,
        float(max(-1.0, difference - below)),
        float(min(1.0, difference + above)),
        level,
        "newcombe",
    )


def clustered_difference(blocks: Sequence[Counts], level: float = LEVEL) -> Interval:
    """First arm less second where the cells of a unit (a note) depend on each other.

    The Mantel-Haenszel difference with a jackknife over units, and Student's t with the units of
    the smaller arm. Never narrower than `stratified_difference` of the same cells: where hardly
    anything varies the jackknife sees no spread at all.

    Args:
        blocks: per block of strata (units, strata, 2, 2), what each unit adds to each stratum;
            a unit stands in one arm and one block.
        level: coverage aimed at.
    """
    from scipy.stats import t

    totals = [block.sum(axis=0) for block in blocks]
    found = stratified_difference(np.concatenate(totals), level)
    without = _left_out(blocks, totals)
    units = np.sum([block[..., TRIALS].any(axis=1).sum(axis=0) for block in blocks], axis=0)
    if np.isnan(without).any() or units.min() < 2:
        return Interval(found.estimate, np.nan, np.nan, level, "jackknife")
    spread = np.sqrt((len(without) - 1) / len(without) * ((without - without.mean()) ** 2).sum())
    reach = float(t.ppf((1 + level) / 2, units.min() - 1) * spread)
    return Interval(
        found.estimate,
        max(-1.0, min(found.low, found.estimate - reach)),
        min(1.0, max(found.high, found.estimate + reach)),
        level,
        "jackknife",
    )


def _left_out(blocks: Sequence[Counts], totals: Sequence[Counts]) -> Floats:
    """The Mantel-Haenszel difference without each unit in turn, of units with any trial."""
    sums = np.array([[part.sum() for part in _mantel_haenszel(total)] for total in totals])
    everything = sums.sum(axis=0)
    found = []
    for block, total, own in zip(blocks, totals, sums, strict=True):
        counted = block[block[..., TRIALS].any(axis=(1, 2))]
        rest = np.array([part.sum(axis=-1) for part in _mantel_haenszel(total - counted)])
        found.append(everything[:, None] - own[:, None] + rest)
    difference, weight = np.concatenate(found, axis=1)
    return ratio(difference, weight)


def _mantel_haenszel(counts: Counts) -> tuple[Floats, Floats]:
    """(..., strata) weighted differences, and the weights: n1 n2 / (n1 + n2)."""
    successes, trials = counts[..., SUCCESSES], counts[..., TRIALS]
    both = trials[..., 0] + trials[..., 1]
    weight = np.where(both > 0, trials[..., 0] * trials[..., 1] / np.maximum(both, 1), 0.0)
    crossed = successes[..., 0] * trials[..., 1] - successes[..., 1] * trials[..., 0]
    return np.where(both > 0, crossed / np.maximum(both, 1), 0.0), weight


def _standardised_limits(
    rate: Floats, trials: NDArray[Any], share: Floats, z: float
) -> tuple[float, float, float]:
    """Lower limit, value and upper limit of a weighted mean of rates."""
    deviation = np.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials))
    relaxed = z * np.sqrt((share**2 * deviation**2).sum()) / (share * deviation).sum()
    low, high = wilson_limits(rate, trials, relaxed)
    return float(share @ low), float(share @ rate), float(share @ high)
