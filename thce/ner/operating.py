"""Thresholds of confidence: what is kept at each, which one to take, and what can be promised.

The sweet spot is the threshold with the highest F0.5 of what is kept, in which precision weighs
twice as much as recall (van Rijsbergen 1979): it is found on validation documents and judged on
others. The promise is tested as `thce.evaluation.fixed_sequence` says.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.fixed_sequence import STEP, Claim, certified_cutoff, drawn, lower_bound
from thce.evaluation.intervals import SEED, Interval, bootstrap
from thce.evaluation.multilabel import nan_to_none, ratio
from thce.ner.calibrate import log_odds, sigmoid
from thce.ner.mentions import Mentions

THRESHOLDS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
BETA = 0.5
UNITS = ("document", "mention")
MOST_ODDS = 6.0
"""Log-odds of the strictest start."""

Decisions = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64], NDArray[np.uint64]]
_KEPT, _RIGHT, _ALL, _GOLD = range(4)


@dataclass(frozen=True)
class OperatingPoint:
    """What is kept at a threshold, with bootstrap intervals over documents.

    Attributes:
        threshold: confidence from which on a prediction is kept.
        kept: predictions.
        precision: right among the kept.
        coverage: kept among the predictions.
        recall: annotated mentions that are kept and right.
        f_half: F0.5 of precision and recall.
    """

    threshold: float
    kept: int
    precision: Interval
    coverage: Interval
    recall: Interval
    f_half: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


@dataclass(frozen=True)
class Promise:
    """A threshold at which precision is at least so high, with so much confidence.

    Attributes:
        unit: document (one prediction of each is tested, so that predictions of one document may
            go wrong together) or mention (all are, taken as independent).
        claim: precision and confidence.
        threshold: of the confidence; None where none can be promised.
        tested: documents or mentions at the threshold, or at 0.5 where there is none.
        right: of them.
        lower_bound: of the precision, by Clopper and Pearson.
        needed: documents or mentions, all of them right, below which nothing can be promised.
    """

    unit: str
    claim: Claim
    threshold: float | None
    tested: int
    right: int
    lower_bound: float
    needed: int


def sweep(
    mentions: Mentions, thresholds: Sequence[float] = THRESHOLDS, seed: int = SEED
) -> list[OperatingPoint]:
    """What is kept at each threshold."""
    return [_operating_point(mentions, threshold, seed) for threshold in thresholds]


def sweet_spot(mentions: Mentions, thresholds: Sequence[float] = THRESHOLDS) -> float:
    """The threshold with the highest F0.5; of equal ones the higher."""
    total = int(mentions.annotated.sum())
    scores = []
    for threshold in thresholds:
        kept = mentions.confidence >= threshold
        scores.append(_f_beta(int(mentions.right[kept].sum()), int(kept.sum()), total))
    best = max(range(len(scores)), key=lambda at: (np.nan_to_num(scores[at]), thresholds[at]))
    return thresholds[best]


def promise(
    test: Mentions, validation: Mentions, claim: Claim, unit: str, seed: int = SEED
) -> Promise:
    """The loosest threshold from 0.5 on at which the claim is borne out by the test documents.

    The tests go from one start to looser thresholds until the first that does not pass. The start
    is chosen on the validation documents, so that choosing costs the tests nothing.

    Args:
        test: mentions of documents on which nothing of the model was fitted or chosen.
        validation: of other documents.
        claim: precision and confidence.
        unit: document or mention.
        seed: draws the prediction of each document that is tested.
    """
    claim = replace(claim, starts=(_start(validation, claim, unit, seed),))
    found = certified_cutoff(*_decisions(test, unit, seed), claim)
    return Promise(
        unit=unit,
        claim=claim,
        threshold=None if found.score is None else float(sigmoid(np.array(found.score))),
        tested=found.decisions,
        right=found.right,
        lower_bound=found.lower_bound,
        needed=claim.fewest,
    )


def _start(validation: Mentions, claim: Claim, unit: str, seed: int) -> float:
    """The least log-odds at which the validation documents bear the claim out best."""
    score, right, units, priority = _decisions(validation, unit, seed)
    order = np.lexsort((priority, units))
    best, highest = 0.0, -1.0
    for start in np.arange(0.0, MOST_ODDS + STEP / 2, STEP).tolist():
        decisions, successes = drawn(score[order], right[order], units[order], start)
        bound = lower_bound(successes, decisions, 1 - claim.confidence)
        if bound > highest:
            best, highest = start, bound
    return best


def _decisions(mentions: Mentions, unit: str, seed: int) -> Decisions:
    """Log-odds, right or not, independent unit and random key of each mention."""
    count = len(mentions.confidence)
    priority = np.random.default_rng(seed).integers(2**63, size=count, dtype=np.uint64)
    units = mentions.document if unit == "document" else np.arange(count)
    return log_odds(mentions.confidence), mentions.right, units, priority


def _operating_point(mentions: Mentions, threshold: float, seed: int) -> OperatingPoint:
    kept = mentions.confidence >= threshold
    documents = len(mentions.ids)
    counts = np.stack(
        [
            np.bincount(mentions.document[kept], minlength=documents),
            np.bincount(mentions.document[kept & mentions.right], minlength=documents),
            np.bincount(mentions.document, minlength=documents),
            mentions.annotated.sum(axis=1),
        ],
        axis=1,
    )
    found = bootstrap(
        counts,
        {
            "precision": lambda sums: ratio(sums[:, _RIGHT], sums[:, _KEPT]),
            "coverage": lambda sums: ratio(sums[:, _KEPT], sums[:, _ALL]),
            "recall": lambda sums: ratio(sums[:, _RIGHT], sums[:, _GOLD]),
        },
        seed=seed,
    )
    total = counts.sum(axis=0)
    return OperatingPoint(
        threshold=threshold,
        kept=int(total[_KEPT]),
        **found,
        f_half=_f_beta(int(total[_RIGHT]), int(total[_KEPT]), int(total[_GOLD])),
    )


def _f_beta(right: int, kept: int, annotated: int) -> float:
    """F0.5; NaN where nothing is kept and nothing annotated."""
    below = BETA**2 * annotated + kept
    return (1 + BETA**2) * right / below if below else float("nan")
