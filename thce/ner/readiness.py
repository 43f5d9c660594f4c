"""What may be coded without a person: by document, by threshold, and at what risk by type."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import SEED, Interval, bootstrap, wilson
from thce.evaluation.multilabel import nan_to_none, ratio
from thce.ner.mentions import Mentions

HIGH_VALUE = ("Disease_disorder", "Therapeutic_procedure", "Medication")
Risk = Literal["low", "moderate", "high", "unseen"]
LOW_BELOW, MODERATE_BELOW = 0.1, 0.25
"""Upper bounds of the share of wrong ones."""


@dataclass(frozen=True)
class Rule:
    """When a document needs nobody.

    Attributes:
        high_value: the types that it is about.
        sure_share: share of their predicted mentions that has to be at or above the threshold.
    """

    high_value: tuple[str, ...] = HIGH_VALUE
    sure_share: float = 1.0


@dataclass(frozen=True)
class DocumentDecision:
    """What happens to one document.

    Attributes:
        document: its id.
        decision: auto where enough of its mentions of high-value types are sure, and it has any;
            review otherwise.
        high_value: predicted mentions of high-value types.
        unsure: of them, those below the threshold.
        others_sure: share of its other predicted mentions at or above the threshold; NaN without.
    """

    document: str
    decision: Literal["auto", "review"]
    high_value: int
    unsure: int
    others_sure: float


@dataclass(frozen=True)
class AutomationRate:
    """How much needs no person at a threshold.

    Attributes:
        threshold: of confidence.
        documents: share of documents coded without a person, with its Wilson interval.
        mentions: share of all predicted mentions at or above the threshold.
        precision: of the high-value mentions of the documents coded without a person.
        recall: annotated high-value mentions of these documents that were found.
    """

    threshold: float
    documents: Interval
    mentions: float
    precision: Interval
    recall: Interval


@dataclass(frozen=True)
class TypeRisk:
    """What one type's mentions at or above the threshold would bring in wrongly.

    Attributes:
        type: name.
        kept: predicted mentions at or above the threshold.
        wrong: of them.
        precision: with its bootstrap interval over documents.
        wrong_share: with its Wilson interval, which has a width where none is wrong.
        per_hundred: wrong ones in a hundred documents.
        risk: low, moderate or high by the upper end of `wrong_share`; unseen without any kept.
    """

    type: str
    kept: int
    wrong: int
    precision: Interval
    wrong_share: Interval
    per_hundred: float
    risk: Risk

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


def decide(mentions: Mentions, threshold: float, rule: Rule) -> list[DocumentDecision]:
    """Auto or review for each document.

    A document without a predicted mention of a high-value type is for review: nothing says that
    it has none.
    """
    sure = mentions.confidence >= threshold
    valuable = np.isin(mentions.type, rule.high_value)
    found = []
    for row, name in enumerate(mentions.ids):
        mine = mentions.document == row
        count, unsure = int((mine & valuable).sum()), int((mine & valuable & ~sure).sum())
        others = mine & ~valuable
        found.append(
            DocumentDecision(
                document=name,
                decision="auto"
                if count and count - unsure >= rule.sure_share * count
                else "review",
                high_value=count,
                unsure=unsure,
                others_sure=float(sure[others].mean()) if others.any() else float("nan"),
            )
        )
    return found


def automation(
    mentions: Mentions, thresholds: Sequence[float], rule: Rule, seed: int = SEED
) -> list[AutomationRate]:
    """How much needs no person at each threshold, and how good that part is."""
    valuable = np.isin(mentions.type, rule.high_value)
    columns = [at for at, name in enumerate(mentions.types) if name in rule.high_value]
    annotated = mentions.annotated[:, columns].sum(axis=1)
    documents = len(mentions.ids)
    found = []
    for threshold in thresholds:
        decisions = decide(mentions, threshold, rule)
        auto = np.array([one.decision == "auto" for one in decisions], dtype=bool)
        of_auto = valuable & auto[mentions.document]
        counts = np.stack(
            [
                np.bincount(mentions.document[of_auto & mentions.right], minlength=documents),
                np.bincount(mentions.document[of_auto], minlength=documents),
                np.where(auto, annotated, 0),
            ],
            axis=1,
        )
        rates = bootstrap(
            counts,
            {
                "precision": lambda sums: ratio(sums[:, 0], sums[:, 1]),
                "recall": lambda sums: ratio(sums[:, 0], sums[:, 2]),
            },
            seed=seed,
        )
        sure = mentions.confidence >= threshold
        found.append(
            AutomationRate(
                threshold=threshold,
                documents=wilson(int(auto.sum()), documents),
                mentions=float(sure.mean()) if len(sure) else float("nan"),
                **rates,
            )
        )
    return found


def type_risks(mentions: Mentions, threshold: float, seed: int = SEED) -> list[TypeRisk]:
    """The risk of each type at a threshold, the types in the order given."""
    kept = mentions.confidence >= threshold
    return [
        _type_risk(mentions, kept & (mentions.type == name), name, seed) for name in mentions.types
    ]


def _type_risk(mentions: Mentions, kept: NDArray[np.bool_], name: str, seed: int) -> TypeRisk:
    documents = len(mentions.ids)
    counts = np.stack(
        [
            np.bincount(mentions.document[kept & mentions.right], minlength=documents),
            np.bincount(mentions.document[kept], minlength=documents),
        ],
        axis=1,
    )
    right, total = counts.sum(axis=0).tolist()
    precision = bootstrap(
        counts, {"precision": lambda sums: ratio(sums[:, 0], sums[:, 1])}, seed=seed
    )["precision"]
    wrong_share = wilson(total - right, total)
    return TypeRisk(
        type=name,
        kept=total,
        wrong=total - right,
        precision=precision,
        wrong_share=wrong_share,
        per_hundred=100 * (total - right) / documents,
        risk=_risk(wrong_share, total),
    )


def _risk(wrong_share: Interval, kept: int) -> Risk:
    if not kept:
        return "unseen"
    if wrong_share.high <= LOW_BELOW:
        return "low"
    return "moderate" if wrong_share.high <= MODERATE_BELOW else "high"
