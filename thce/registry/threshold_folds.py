"""Folds for cross-fitting that depend on what the notes hold, not on the order they came in."""

import numpy as np

from thce.registry.labels import TRUE, UNKNOWN, Cells
from thce.registry.threshold_search import LEFT_OUT, Bools, Floats, Folds, Ints, Scores

_HASH_SEED = 42


def content_order(score: Scores, label: Cells) -> Ints:
    """An order of the notes that follows from their contents: the sort by a 64-bit hash.

    Notes with the same hash hold the same probabilities and labels, so it does not matter which
    of them comes first.
    """
    cells = (score.view(np.uint32).astype(np.uint64) << np.uint64(2)) | (label + 1).view(np.uint8)
    drawn = np.random.default_rng(_HASH_SEED).integers(2**63, size=1 + cells.shape[1])
    first, *rest = drawn.astype(np.uint64) * np.uint64(2) + np.uint64(1)
    digest = (cells * np.array(rest)).sum(axis=1)
    digest = (digest ^ (digest >> np.uint64(32))) * first
    return np.argsort(digest ^ (digest >> np.uint64(29)), kind="stable")


def stratified_folds(cells: Cells, folds: int) -> Folds:
    """The fold of each cell, dealt round robin; positives of a label among themselves.

    A label with as many positives as folds thus has one in each.

    Args:
        cells: (labels, n) of TRUE, FALSE, UNKNOWN in content order.
        folds: number of folds.

    Returns:
        (labels, n) int8 in 0..folds-1; LEFT_OUT where the cell is unknown.
    """
    labels, notes = cells.shape
    dealt = np.tile((np.arange(notes) % folds).astype(np.int8), (labels, 1))
    positive = np.flatnonzero(cells == TRUE)
    row = positive // notes
    rank = np.arange(len(positive)) - np.searchsorted(row, np.arange(labels))[row]
    dealt.ravel()[positive] = rank % folds
    dealt[cells == UNKNOWN] = LEFT_OUT
    return dealt


def positives_per_fit(positive: Bools, fold: Folds, folds: int) -> Ints:
    """(labels, folds + 1) positives each fit sees: without fold f, and all in the last column."""
    position = np.flatnonzero(positive)
    kind = position // positive.shape[1] * (folds + 1) + fold.ravel()[position]
    held_out = np.bincount(kind, minlength=len(positive) * (folds + 1)).reshape(-1, folds + 1)
    return held_out.sum(axis=1, keepdims=True) - held_out


def cross_fitted_f1(score: Scores, positive: Bools, fold: Folds, thresholds: Floats) -> Floats:
    """F1 of each label where every cell is judged by the threshold fitted without its fold.

    Args:
        score: (labels, n).
        positive: (labels, n).
        fold: (labels, n), LEFT_OUT for cells that are not scored.
        thresholds: (labels, folds + 1), column f fitted without fold f; NaN predicts nothing.

    Returns:
        (labels,) F1; 0 for a label without positives.
    """
    row = np.arange(len(score))[:, None]
    predicted = (score >= thresholds[row, fold]) & (fold != LEFT_OUT)
    hits = (predicted & positive).sum(axis=1)
    return 2 * hits / np.maximum(predicted.sum(axis=1) + positive.sum(axis=1), 1)
