"""The linear probe: one regularised logistic regression per flag over fixed features.

It knows notes only through kernels (inner products of features), so that a fit costs a few
factors of a matrix as large as the labelled notes are many, whatever the features are. The same
factors give every labelled note's score as if that note had been left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import TRUE, UNKNOWN, Cells

Floats = NDArray[np.float64]

_STEPS, _TOLERANCE = 50, 1e-3


@dataclass(frozen=True)
class Fit:
    """What was learned of 29 flags from n notes.

    Attributes:
        dual: (29, n) weights of the notes; a logit is kernel @ dual.
        left_out: (n, 29) logits of the same notes, each as if its own cell were unknown.
    """

    dual: Floats
    left_out: Floats

    def logits(self, kernel: Floats) -> Floats:
        """(m, 29) logits from the kernel (m, n) of m notes with the n learned from."""
        return kernel @ self.dual.T


def fit(kernel: Floats, label: Cells, weight: Floats, before: Fit | None = None) -> Fit:
    """Fits every flag to its known cells.

    Args:
        kernel: (n, n) inner products, penalty included: the prior covariance of the logits.
        label: (n, 29) cells; UNKNOWN ones do not count.
        weight: (n, 29) how much each known cell counts.
        before: an earlier fit of the same notes to start from; it saves steps and alters nothing.
    """
    dual = np.zeros(label.T.shape)
    left_out = np.zeros(label.T.shape)
    for flag in range(label.shape[1]):
        known = np.flatnonzero(label[:, flag] != UNKNOWN)
        own, apart = _fit_flag(
            kernel[known[:, None], known],
            (label[known, flag] == TRUE).astype(np.float64),
            weight[known, flag].astype(np.float64),
            np.zeros(len(known)) if before is None else kernel[known] @ before.dual[flag],
        )
        dual[flag, known] = own
        left_out[flag] = kernel[:, known] @ own
        left_out[flag, known] = apart
    return Fit(dual, left_out.T)


def sigmoid(logit: Floats) -> Floats:
    """Logits as probabilities."""
    return 1.0 / (1.0 + np.exp(-np.clip(logit, -30.0, 30.0)))


def _fit_flag(prior: Floats, truth: Floats, weight: Floats, logit: Floats) -> tuple[Floats, Floats]:
    """Newton's method in the dual (Rasmussen and Williams 2006, algorithm 3.1).

    The left-out logits take one Newton step away from the fit on everything, which comes close
    to fitting again without the note (Rad and Maleki 2020, "A scalable estimate of the
    out-of-sample prediction error via approximate leave-one-out").

    Returns:
        Dual weights and left-out logits, (n,) each.
    """
    identity = np.eye(len(truth))
    for _ in range(_STEPS):
        probability = sigmoid(logit)
        curvature = weight * probability * (1.0 - probability)
        root = np.sqrt(curvature)
        scaled = root[:, None] * prior
        system = identity + scaled * root
        aim = curvature * logit + weight * (truth - probability)
        dual = aim - root * np.linalg.solve(system, scaled @ aim)
        moved = prior @ dual
        done = np.abs(moved - logit).max(initial=0.0) < _TOLERANCE
        logit = moved
        if done:
            break
    variance = np.diagonal(prior) - np.einsum("nm,nm->m", scaled, np.linalg.solve(system, scaled))
    pull = weight * (truth - sigmoid(logit))
    return dual, logit - variance * pull / (1.0 - variance * curvature)
