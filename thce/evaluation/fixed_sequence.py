"""From which score on a decision is right with a stated precision, at a stated confidence.

Cutoffs on a fixed grid are tested one after another, strictest first, each by an exact binomial
test (its p-value is at most alpha where the lower bound of Clopper and Pearson 1934 is at least
the precision). The sequence ends at the first cutoff that does not pass, and the last that passed
is taken. Testing in a fixed order until the first failure keeps the chance of any wrong pass at
alpha without dividing it among the cutoffs: choosing the loosest of them does not break the claim
(fixed sequence testing within Learn then Test; Angelopoulos, Bates, Candès, Jordan and Lei 2021).
Strict cutoffs have few decisions above them and could end the only sequence at once, so there are
several sequences from fixed starts, among which alpha is divided, as that paper does.

A note adds one decision to each test, drawn among its decisions above the cutoff: those of one
note go wrong together, and a binomial test counts them as independent.
"""

from dataclasses import dataclass
from math import ceil, log

import numpy as np
from numpy.typing import NDArray

STEP = 0.25
STARTS = (6.0, 4.0, 2.0, 0.0)
"""Log-odds; each sequence goes down to 0 in steps of STEP."""


@dataclass(frozen=True)
class Claim:
    """What is to hold: precision at least so high, with so much confidence.

    Attributes:
        precision: of the decisions above the cutoff.
        confidence: in the claim.
        starts: log-odds at which sequences start. Whoever has other notes than those tested may
            choose one start on them, and the whole of alpha is its.
    """

    precision: float
    confidence: float
    starts: tuple[float, ...] = STARTS

    @property
    def alpha(self) -> float:
        """The chance of a wrong pass that each sequence may take."""
        return (1 - self.confidence) / len(self.starts)

    @property
    def fewest(self) -> int:
        """Decisions, all of them right, below which no test can pass."""
        return ceil(log(self.alpha) / log(self.precision))


@dataclass(frozen=True)
class Cutoff:
    """From which score on decisions may stand.

    Attributes:
        score: the loosest cutoff that passed; None where none did.
        decisions: decisions tested at it, one a note; without a cutoff, at 0.
        right: how many of them were right.
        lower_bound: of the precision, at the confidence of one sequence.
    """

    score: float | None
    decisions: int
    right: int
    lower_bound: float


def certified_cutoff(
    score: NDArray[np.floating],
    right: NDArray[np.bool_],
    note: NDArray[np.integer],
    priority: NDArray[np.unsignedinteger],
    claim: Claim,
) -> Cutoff:
    """The loosest cutoff at or above which the claim holds.

    The precision claimed is that of a decision above the cutoff drawn at random in a note drawn
    at random among those with any.

    Args:
        score: (m,) log-odds of the decisions; those below 0 are never certified.
        right: (m,) whether each was right.
        note: (m,) the independent unit it belongs to: a note, or its near-duplicate group.
        priority: (m,) random keys that neither score nor label decide.
        claim: precision and confidence.
    """
    order = np.lexsort((priority, note))
    score, right, note = score[order], right[order], note[order]
    passed = [
        cutoff
        for start in claim.starts
        if (cutoff := _sequence(score, right, note, claim, start)) is not None
    ]
    found = min(passed, default=None)
    decisions, successes = drawn(score, right, note, found or 0.0)
    return Cutoff(found, decisions, successes, lower_bound(successes, decisions, claim.alpha))


def _sequence(
    score: NDArray[np.floating],
    right: NDArray[np.bool_],
    note: NDArray[np.integer],
    claim: Claim,
    start: float,
) -> float | None:
    """The last cutoff that passes before the first that does not."""
    found = None
    for cutoff in np.arange(start, -STEP / 2, -STEP).tolist():
        decisions, successes = drawn(score, right, note, cutoff)
        if not _passes(successes, decisions, claim):
            break
        found = cutoff
    return found


def drawn(
    score: NDArray[np.floating],
    right: NDArray[np.bool_],
    note: NDArray[np.integer],
    cutoff: float,
) -> tuple[int, int]:
    """Decisions at or above a cutoff, one a note, and how many of them are right.

    Args:
        score: (m,) rows sorted by note, and within one by a random key.
        right: (m,).
        note: (m,).
        cutoff: of the score.
    """
    above = score >= cutoff
    _, first = np.unique(note[above], return_index=True)
    return len(first), int(right[above][first].sum())


def _passes(successes: int, trials: int, claim: Claim) -> bool:
    """Whether so many successes would be a surprise if the precision were only just reached."""
    return lower_bound(successes, trials, claim.alpha) >= claim.precision


def lower_bound(successes: int, trials: int, alpha: float) -> float:
    """The exact one-sided lower bound of a proportion (Clopper and Pearson 1934)."""
    from scipy.special import betaincinv

    return float(betaincinv(successes, trials - successes + 1, alpha)) if successes else 0.0
