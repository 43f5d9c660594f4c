"""The exact best threshold of each label by one sort, on everything and with each fold left out.

A threshold t predicts true where probability >= t. Between two neighbouring scores every t gives
the same predictions, so the candidates are finite: one cut below each distinct score. Only a cut
just below a score that some positive has can be best, since lowering t past negatives alone
adds false positives and nothing else. Sorting once and counting between those candidates, per
fold, gives the best cut with every fold left out at hardly more than the price of one.

Score, fold and label of a cell travel through the sort as one 64-bit key. This module knows
nothing of flags, shrinkage or files.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Folds = NDArray[np.int8]
Keys = NDArray[np.uint64]
"""(rows, cells): score, label and fold of each cell as one number, each row sorted."""

Objective = Callable[[Ints, Ints, Ints], Floats]
"""(true positives, predicted positives, positives) -> what to maximise; -inf forbids a cut."""

LEFT_OUT = -1
"""The fold of a cell that no fit may see, because its label is unknown."""

# A key, from the high bits: unknown (1) | inverted score (32) | positive (1) | fold (7). Sorted
# upwards, scores fall, positives come last among equal scores, and unknown cells last of all.
_POSITIVE, _FOLD, _TAG_BITS, _UNKNOWN_BIT = 0x80, 0x7F, 8, 40


def f_beta(beta: float) -> Objective:
    """F-beta as an objective; beta above 1 favours recall (van Rijsbergen 1979)."""
    weight = beta * beta

    def objective(true_positive: Ints, predicted: Ints, positive: Ints) -> Floats:
        return (1 + weight) * true_positive / (predicted + weight * positive)

    return objective


def recall_at_precision(floor: float) -> Objective:
    """Recall as an objective, allowed only where precision is at least `floor`."""

    def objective(true_positive: Ints, predicted: Ints, positive: Ints) -> Floats:
        return np.where(true_positive >= floor * predicted, true_positive / positive, -np.inf)

    return objective


def saved_cost(miss: float) -> Objective:
    """What a cut saves against predicting nothing, where a miss costs `miss` false alarms.

    A cut that saves nothing is forbidden. The least expected cost of Elkan (2001), on counts.
    """

    def objective(true_positive: Ints, predicted: Ints, positive: Ints) -> Floats:
        saved = miss * true_positive - (predicted - true_positive)
        return np.where(saved > 0, saved, -np.inf)

    return objective


def thresholds_of(keys: Keys, folds: int, objective: Objective) -> Floats:
    """The best threshold of each row, once with each fold left out and once on everything.

    The threshold is the middle of the gap between the two scores it parts; below the lowest
    score the gap ends at 0. Where several cuts are equally good, the one in the widest gap wins,
    and the higher of two equally wide.

    Args:
        keys: (rows, cells), what `sorted_keys` or `pooled` gave; a row is a label.
        folds: number of folds, 1 to 100.
        objective: what to maximise.

    Returns:
        (rows, folds + 1) float64: column f was fitted without fold f, the last one on
        everything. NaN where no cut is allowed: no positive, or the floor is out of reach.
    """
    rows, cells = keys.shape
    key = keys.ravel()
    tag = key.astype(np.uint8)
    cut = _candidate_cuts(key, tag, cells)
    row = cut // cells
    first_of_row = np.flatnonzero(np.diff(row, prepend=-1))
    counts = _counts(cut, tag, folds)
    everything = counts.sum(axis=0)

    thresholds = np.full((rows, folds + 1), np.nan)
    for left_out in range(folds + 1):
        value = _values(everything - counts[left_out], first_of_row, objective)
        best = np.maximum.reduceat(value, first_of_row)
        tied = np.flatnonzero((value == best[row]) & (value > -np.inf))
        widest = np.full(rows, -1.0)
        for this_row, position in zip(row[tied], cut[tied], strict=True):
            low, high = _gap(key, tag, position, (this_row + 1) * cells, left_out)
            if high - low > widest[this_row]:
                widest[this_row] = high - low
                thresholds[this_row, left_out] = _middle(low, high)
    return thresholds


def sorted_keys(score: Scores, positive: Bools, fold: Folds) -> Keys:
    """The keys of all cells, each row sorted on its own.

    Args:
        score: (rows, cells) in 0..1; a row is a label.
        positive: (rows, cells), the cells whose label is true.
        fold: (rows, cells), the fold of each cell from 0, or LEFT_OUT.
    """
    tag = (fold.view(np.uint8) & _FOLD) | (positive.view(np.uint8) * np.uint8(_POSITIVE))
    key = (~score.view(np.uint32)).astype(np.uint64)
    key <<= np.uint64(_TAG_BITS)
    key |= tag
    key |= (fold == LEFT_OUT).astype(np.uint64) << np.uint64(_UNKNOWN_BIT)
    key.sort(axis=1)
    return key


def pooled(keys: Keys) -> Keys:
    """The cells of all rows as one sorted row.

    The rows are sorted runs, which a stable sort only has to merge: a third of the time of
    sorting all cells again.
    """
    return np.sort(keys.reshape(1, -1), axis=1, kind="stable")


def _candidate_cuts(key: Keys, tag: NDArray[np.uint8], cells: int) -> Ints:
    """Positions of the last cell of each run of equal scores that holds a positive.

    The last cell of every row is among them whatever it holds, so that counts stay in their row.
    """
    scores = key >> np.uint64(_TAG_BITS)
    is_cut = tag >= _POSITIVE
    is_cut[:-1] &= scores[1:] != scores[:-1]
    is_cut[cells - 1 :: cells] = True
    return np.flatnonzero(is_cut)


def _counts(cut: Ints, tag: NDArray[np.uint8], folds: int) -> Ints:
    """Cells after one cut up to and with the next: (fold, negative or positive, cut).

    A last fold holds nothing, so that leaving it out leaves everything in.
    """
    is_cut = np.zeros(len(tag), dtype=bool)
    is_cut[cut] = True
    stretch = np.cumsum(is_cut) - is_cut
    tags, kinds = np.arange(256), (folds + 2) * 2
    kind = np.minimum(tags & _FOLD, folds + 1) * 2 + (tags >= _POSITIVE)
    where = (kind * len(cut))[tag] + stretch
    counts = np.bincount(where, minlength=kinds * len(cut))
    return counts.reshape(folds + 2, 2, len(cut))[: folds + 1]


def _values(counts: Ints, first_of_row: Ints, objective: Objective) -> Floats:
    """The objective at each cut, -inf where the cut takes in no positive that the fit sees."""
    end_of_row = np.append(first_of_row[1:], counts.shape[1])
    running = np.cumsum(counts, axis=1)
    totals = np.diff(running[:, end_of_row - 1], axis=1, prepend=0)
    before_row = running[:, end_of_row - 1] - totals
    length = end_of_row - first_of_row
    false_positive, true_positive = running - np.repeat(before_row, length, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        value = objective(
            true_positive, true_positive + false_positive, np.repeat(totals[1], length)
        )
    return np.where(counts[1] > 0, value, -np.inf)


def _gap(
    key: Keys, tag: NDArray[np.uint8], cut: int, end_of_row: int, left_out: int
) -> tuple[float, float]:
    """The scores just above and below a cut, over the cells the fit sees; 0 with none below."""
    below = cut + 1
    while below < end_of_row and tag[below] & _FOLD == left_out:
        below += 1
    unknown = below == end_of_row or tag[below] & _FOLD == _FOLD
    return 0.0 if unknown else _score(key[below]), _score(key[cut])


def _score(key: np.uint64) -> float:
    return float((~(key >> np.uint64(_TAG_BITS))).astype(np.uint32).view(np.float32))


def _middle(low: float, high: float) -> float:
    """The middle of a gap, but never `low` itself, which must stay below the threshold."""
    middle = low + (high - low) / 2
    return middle if middle > low else high
