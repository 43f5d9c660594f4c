"""The rival of exact thresholds: every flag tries 0.05, 0.10 ... 0.95 and keeps the best F1."""

import numpy as np
from numpy.typing import NDArray

from thce.registry.threshold_search import Bools, Floats, Folds, Scores

GRID = np.arange(1, 20) * 0.05


def grid_sweep(score: NDArray[np.floating], positive: Bools) -> Floats:
    """The best grid point of each flag by F1; the lowest of several equal ones.

    Args:
        score: (n, labels).
        positive: (n, labels).

    Returns:
        (labels,) thresholds.
    """
    positives = positive.sum(axis=0)
    best, threshold = np.full(score.shape[1], -1.0), np.zeros(score.shape[1])
    for point in GRID:
        predicted = score >= point
        hits = (predicted & positive).sum(axis=0)
        f1 = 2 * hits / np.maximum(predicted.sum(axis=0) + positives, 1)
        better = f1 > best
        best[better], threshold[better] = f1[better], point
    return threshold


def cross_fitted_grid_sweep(score: Scores, positive: Bools, fold: Folds, folds: int) -> Floats:
    """One sweep with each fold left out and one on everything: as many fits as ours makes.

    Args:
        score: (n, labels).
        positive: (n, labels).
        fold: (n,) in 0..folds-1.
        folds: number of folds.

    Returns:
        (folds + 1, labels) thresholds, the last row fitted on everything.
    """
    fits = [grid_sweep(score[fold != left], positive[fold != left]) for left in range(folds)]
    return np.array([*fits, grid_sweep(score, positive)])


def f1_of(score: NDArray[np.floating], positive: Bools, threshold: Floats) -> Floats:
    """(labels,) F1 at one threshold per flag; 0 for a flag without positives."""
    predicted = score >= threshold
    hits = (predicted & positive).sum(axis=0)
    return 2 * hits / np.maximum(predicted.sum(axis=0) + positive.sum(axis=0), 1)
