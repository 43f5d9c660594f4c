"""Calibration: whether notes scored 0.8 are true eight times in ten.

Bins hold equally many cells (Nixon et al. 2019), since most probabilities of a rare label lie
near 0 and bins of equal width would stand empty. Cells with the same probability share a bin,
so the order of the notes does not matter. The expected calibration error of few cells is biased
upwards: even a perfect model does not reach 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import Interval, wilson

MAX_BINS = 10
CELLS_PER_BIN = 20


@dataclass(frozen=True)
class Bin:
    """Cells of similar probability.

    Attributes:
        mean_probability: their mean probability.
        observed: the share of them that is true, with its Wilson interval.
        count: how many.
    """

    mean_probability: float
    observed: Interval
    count: int


def reliability(probability: NDArray[np.floating], label: NDArray[np.int8]) -> list[Bin]:
    """Predicted against observed, in at most ten bins of at least 20 cells where there are so many.

    Args:
        probability: any shape, in 0..1.
        label: the same shape, of 1, 0, -1; unknown cells are left out.
    """
    known = label >= 0
    scores, true = probability[known].astype(np.float64), label[known] == 1
    if not len(scores):
        return []
    _, member, count = np.unique(scores, return_inverse=True, return_counts=True)
    bins = int(np.clip(len(scores) // CELLS_PER_BIN, 1, MAX_BINS))
    middle = np.cumsum(count) - (count + 1) / 2
    bin_of = (middle * bins // len(scores)).astype(int)[member]
    return [
        Bin(
            mean_probability=float(scores[bin_of == index].mean()),
            observed=wilson(int(true[bin_of == index].sum()), int((bin_of == index).sum())),
            count=int((bin_of == index).sum()),
        )
        for index in np.unique(bin_of)
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean distance of predicted from observed over all cells.

    NaN without cells.
    """
    cells = sum(part.count for part in bins)
    if not cells:
        return np.nan
    distances = (part.count * abs(part.mean_probability - part.observed.estimate) for part in bins)
    return sum(distances) / cells
