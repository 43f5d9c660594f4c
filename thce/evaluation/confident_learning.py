"""Confident learning: which given labels are probably wrong, from out-of-sample probabilities.

Per label, a cell counts as confidently true where its probability reaches the mean probability of
the cells labelled true, and as confidently false likewise. Counted against the given labels these
make the confident joint, and its off-diagonal shares say how many labels are wrong each way; at
most so many cells, those furthest on the other side, are the suspects (Northcutt, Jiang and Chuang
2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", with pruning by noise rate).
Each label of a multi-label note is a binary problem of its own.

Departures from the paper: its thresholds are means over a class, and a rare flag has a handful of
positives, so each is shrunk towards that over all labels. Between the classes it compares
probabilities, which for a rare flag lie below one half nearly everywhere; here the excess over
each class's threshold is compared, where a cell reaches both and in ranking. And a cell that
exceeds its own class's threshold by more than the other's is never a suspect.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR_CELLS = 5.0
"""Cells of a class at which its own threshold weighs one half."""

FALSE, TRUE = 0, 1


@dataclass(frozen=True)
class Suspect:
    """A given label that is probably wrong.

    Attributes:
        row: the note.
        column: the label.
        given: whether it was labelled true.
        probability: that it is true, by a model that did not learn from it.
        margin: by how much more it exceeds the threshold of the other class than that of its own,
            above 0.
    """

    row: int
    column: int
    given: bool
    probability: float
    margin: float


@dataclass(frozen=True)
class Audit:
    """What the probabilities say of the given labels.

    Attributes:
        joint: (L, 2, 2) the confident joint: cells by given label and confident class.
        errors: (L, 2) estimated wrong cells among those labelled false and true: each row of the
            joint scaled to the number of cells with that label.
        suspects: the largest margin first; per label and given class at most as many as `errors`
            says, rounded.
    """

    joint: NDArray[np.int64]
    errors: NDArray[np.float64]
    suspects: tuple[Suspect, ...]


def audit(probability: NDArray[np.floating], label: NDArray[np.int8]) -> Audit:
    """Audits the known cells.

    Args:
        probability: (n, L) that each cell is true, by models that did not learn from its note.
        label: (n, L) of 1, 0, -1; unknown cells are neither used nor suspected.
    """
    confidence = np.stack([1 - probability, probability], axis=-1).astype(np.float64)
    given = np.stack([label == FALSE, label == TRUE], axis=-1)
    above = confidence - _thresholds(confidence, given)
    likely = np.where(above[..., TRUE] >= above[..., FALSE], TRUE, FALSE)
    confident = above.max(axis=-1) >= 0
    joint = np.stack(
        [
            np.stack([(given[..., i] & confident & (likely == j)).sum(axis=0) for j in (0, 1)], -1)
            for i in (0, 1)
        ],
        axis=1,
    )
    errors = _scaled_errors(joint, given.sum(axis=0))
    margin = np.where(given[..., TRUE], -1, 1) * (above[..., TRUE] - above[..., FALSE])
    row, column = np.nonzero(_most_suspect(margin, given, errors))
    order = np.lexsort((column, row, -margin[row, column]))
    return Audit(
        joint=joint,
        errors=errors,
        suspects=tuple(
            Suspect(
                row=int(r),
                column=int(c),
                given=bool(label[r, c] == TRUE),
                probability=float(probability[r, c]),
                margin=float(margin[r, c]),
            )
            for r, c in zip(row[order], column[order], strict=True)
        ),
    )


def _most_suspect(
    margin: NDArray[np.float64], given: NDArray[np.bool_], errors: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(n, L) the largest margins above 0, at most as many as are estimated to be wrong."""
    chosen = np.zeros(margin.shape, dtype=bool)
    for column in range(margin.shape[1]):
        for value in (FALSE, TRUE):
            most = round(float(errors[column, value]))
            rows = np.flatnonzero(given[:, column, value] & (margin[:, column] > 0))
            ranked = rows[np.argsort(-margin[rows, column], kind="stable")]
            chosen[ranked[:most], column] = True
    return chosen


def _thresholds(confidence: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(L, 2) mean confidence in a class over the cells given it, shrunk over labels."""
    sums, cells = (confidence * given).sum(axis=0), given.sum(axis=0)
    pooled = sums.sum(axis=0) / np.maximum(cells.sum(axis=0), 1)
    return np.asarray((sums + PRIOR_CELLS * pooled) / (cells + PRIOR_CELLS))


def _scaled_errors(joint: NDArray[np.int64], cells: NDArray[np.integer]) -> NDArray[np.float64]:
    """(L, 2) off-diagonal cells of each row, with rows scaled to the given labels."""
    rows = np.maximum(joint.sum(axis=-1), 1)
    off = np.stack([joint[:, FALSE, TRUE], joint[:, TRUE, FALSE]], axis=-1)
    return np.asarray(off / rows * cells)
