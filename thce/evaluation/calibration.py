"""Calibration: whether notes scored 0.8 are true eight times in ten.

Bins hold equally many cells (Nixon et al. 2019), since most probabilities of a rare label lie
near 0 and bins of equal width would stand empty. Cells with the same probability share a bin,
so the order of the notes does not matter. The expected calibration error of few cells is biased
upwards: even a perfect model does not reach 0. What it would reach is said beside it, and the
interval takes the bias off again.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import RESAMPLES, SEED, Groups, Interval, bootstrap, wilson
from thce.evaluation.multilabel import nan_to_none, ratio

MAX_BINS = 10
CELLS_PER_BIN = 20
PERFECT_DRAWS = 400


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


@dataclass(frozen=True)
class Calibration:
    """How well the probabilities of some cells say how often they are true; NaN where undefined.

    Attributes:
        cells: known cells.
        positives: true ones.
        bins: bins of equally many cells.
        mean_probability: over the known cells.
        error: expected calibration error over the bins, with its bootstrap interval.
        error_if_perfect: what the error of so many cells would be on average if every
            probability were right.
        brier: mean squared distance of probability and label, with its bootstrap interval.
    """

    cells: int
    positives: int
    bins: int
    mean_probability: float
    error: Interval
    error_if_perfect: float
    brier: Interval


@dataclass(frozen=True)
class LabelCalibration:
    """The calibration of a model over all labels together and label by label.

    Attributes:
        pooled: over the cells of all labels.
        reliability: the bins of all labels' cells together.
        labels: by name, in the order given.
    """

    pooled: Calibration
    reliability: tuple[Bin, ...]
    labels: dict[str, Calibration]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


def measure_labels(
    probability: NDArray[np.floating],
    label: NDArray[np.int8],
    names: Sequence[str],
    *,
    groups: Groups | None = None,
    seed: int = SEED,
) -> LabelCalibration:
    """Calibration of every label, with intervals over notes.

    Args:
        probability: (n, L) in 0..1.
        label: (n, L) of 1, 0, -1.
        names: L names.
        groups: n group names; they are resampled together.
        seed: of everything random.
    """
    return LabelCalibration(
        pooled=measure(probability, label, groups=groups, seed=seed),
        reliability=tuple(reliability(probability, label)),
        labels={
            name: measure(probability[:, [column]], label[:, [column]], groups=groups, seed=seed)
            for column, name in enumerate(names)
        },
    )


def measure(
    probability: NDArray[np.floating],
    label: NDArray[np.int8],
    *,
    groups: Groups | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Calibration:
    """Expected calibration error and Brier score, with intervals over notes.

    The bins stay as they are on all notes while notes are resampled. The plug-in error is biased
    upwards and resamples repeat the bias, so the interval spans the percentile and the basic
    bootstrap (twice the estimate less the percentiles; Davison and Hinkley 1997, 5.2): either
    alone covered less in simulations. It reaches 0 wherever probabilities that are all right
    would show as large an error in one of forty draws of labels.

    Args:
        probability: (n, L) in 0..1; one flag is (n, 1).
        label: (n, L) of 1, 0, -1; unknown cells are left out.
        groups: n group names; they are resampled together.
        resamples: bootstrap resamples.
        seed: of resampling and of the labels drawn for `error_if_perfect`.
    """
    known = label >= 0
    cells = int(known.sum())
    if not cells:
        undefined = Interval(np.nan, np.nan, np.nan)
        return Calibration(0, 0, 0, np.nan, undefined, np.nan, undefined)
    scores, true = probability[known].astype(np.float64), label[known] == 1
    bin_of = _bins(scores)
    added = _contributions(np.nonzero(known)[0], scores, true, bin_of, len(label))
    found = bootstrap(
        added, {"error": _error, "brier": _brier}, groups=groups, resamples=resamples, seed=seed
    )
    perfect = _errors_if_perfect(scores, bin_of, seed)
    return Calibration(
        cells=cells,
        positives=int(true.sum()),
        bins=int(bin_of.max()) + 1,
        mean_probability=float(scores.mean()),
        error=_corrected(found["error"], perfect),
        error_if_perfect=float(perfect.mean()),
        brier=found["brier"],
    )


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
    bin_of = _bins(scores)
    return [
        Bin(
            mean_probability=float(scores[bin_of == index].mean()),
            observed=wilson(int(true[bin_of == index].sum()), int((bin_of == index).sum())),
            count=int((bin_of == index).sum()),
        )
        for index in range(int(bin_of.max()) + 1)
    ]


def _bins(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each cell, from 0 without gaps; equal scores share one."""
    _, member, count = np.unique(scores, return_inverse=True, return_counts=True)
    bins = int(np.clip(len(scores) // CELLS_PER_BIN, 1, MAX_BINS))
    middle = np.cumsum(count) - (count + 1) / 2
    wanted = (middle * bins // len(scores)).astype(np.int64)
    return np.unique(wanted, return_inverse=True)[1][member]


def _contributions(
    row: NDArray[np.int64],
    scores: NDArray[np.float64],
    true: NDArray[np.bool_],
    bin_of: NDArray[np.int64],
    notes: int,
) -> NDArray[np.float64]:
    """(notes, bins + 2): what each note adds to the gap of each bin, squared distance, cells."""
    added = np.zeros((notes, int(bin_of.max()) + 3))
    np.add.at(added, (row, bin_of), scores - true)
    added[:, -2] = np.bincount(row, (scores - true) ** 2, minlength=notes)
    added[:, -1] = np.bincount(row, minlength=notes)
    return added


def _error(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return ratio(np.abs(sums[:, :-2]).sum(axis=1), sums[:, -1])


def _brier(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return ratio(sums[:, -2], sums[:, -1])


def _corrected(found: Interval, perfect: NDArray[np.float64]) -> Interval:
    """Percentile and basic interval together; from 0 where chance explains the estimate."""
    low = min(found.low, 2 * found.estimate - found.high)
    high = max(found.high, 2 * found.estimate - found.low)
    if found.estimate <= np.quantile(perfect, (1 + found.level) / 2):
        low = 0.0
    return replace(found, low=max(low, 0.0), high=min(high, 1.0))


def _errors_if_perfect(
    scores: NDArray[np.float64], bin_of: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    """The error over label sets drawn with the probabilities themselves."""
    generator = np.random.default_rng(seed)
    errors = [
        np.abs(np.bincount(bin_of, scores - (generator.random(len(scores)) < scores))).sum()
        for _ in range(PERFECT_DRAWS)
    ]
    return np.array(errors) / len(scores)
