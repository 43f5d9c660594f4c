"""What each document adds to true positives, false positives and false negatives, by any group.

A pair with another extent or type is a false positive of the predicted group and a false negative
of the annotated one, as seqeval and the shared tasks count it. The counts have the form that
`thce.evaluation` resamples: (documents, 3, groups).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import SEED, Interval, bootstrap, f1_interval
from thce.evaluation.multilabel import (
    FN,
    FP,
    TP,
    f1,
    macro_f1,
    micro_f1,
    nan_to_none,
    precision,
    recall,
)
from thce.ner.documents import Document, Entity, Prediction
from thce.ner.matching import Category, Outcome, fragments
from thce.ner.type_policy import FREQUENT, MIDDLE, RARE, tier_of
from thce.ner.words import words_of

GroupOf = Callable[[Entity | Prediction, str], str]
"""The group of a mention, given the text of its document."""

LENGTHS = ("1", "2", "3", "4-5", "6 or more")
TOKENS = ("single word", "several words")
TIERS = (FREQUENT, MIDDLE, RARE)


@dataclass(frozen=True)
class GroupScore:
    """One group of mentions; NaN where there is nothing to divide by.

    Attributes:
        name: of the group.
        support: annotated mentions.
        predicted: predicted mentions.
        right: mentions found with type and extent.
        precision: right among the predicted.
        recall: right among the annotated.
        f1: with its interval.
    """

    name: str
    support: int
    predicted: int
    right: int
    precision: float
    recall: float
    f1: Interval

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


@dataclass(frozen=True)
class OverallScore:
    """All types together, with bootstrap intervals over documents.

    Attributes:
        precision: micro precision.
        recall: micro recall.
        micro_f1: strict.
        macro_f1: the mean over the types with an annotated mention.
        lenient_f1: micro F1 where some overlap with the same type is enough.
        macro_types: how many types macro F1 is the mean of.
    """

    precision: Interval
    recall: Interval
    micro_f1: Interval
    macro_f1: Interval
    lenient_f1: Interval
    macro_types: int


def contributions(
    outcomes: Iterable[Outcome],
    documents: Sequence[Document],
    names: Sequence[str],
    group_of: GroupOf,
    right: frozenset[Category] = frozenset({Category.CORRECT}),
) -> NDArray[np.int32]:
    """(documents, 3, groups) counts.

    Args:
        outcomes: of `matching.match` on these documents.
        documents: in the order of the rows.
        names: the groups, in the order of the columns.
        group_of: which group a mention is of; one that `names` lacks is not counted.
        right: the categories whose pairs count as found; the pair is of the annotation's group.
    """
    row = {document.id: at for at, document in enumerate(documents)}
    column = {name: at for at, name in enumerate(names)}
    counts = np.zeros((len(documents), 3, len(names) + 1), dtype=np.int32)
    for outcome in outcomes:
        at = row[outcome.document]
        text = documents[at].text
        gold, predicted = (
            None if one is None else column.get(group_of(one, text), len(names))
            for one in (outcome.gold, outcome.prediction)
        )
        if outcome.category in right:
            counts[at, TP, gold] += 1
            continue
        if predicted is not None:
            counts[at, FP, predicted] += 1
        if gold is not None:
            counts[at, FN, gold] += 1
    return counts[:, :, :-1]


def group_scores(
    counts: NDArray[np.int32], names: Sequence[str], seed: int = SEED
) -> list[GroupScore]:
    """Each group with the interval of its F1.

    By bootstrap over documents; where all mentions are right, or none, resampling has no width to
    show and the Wilson interval of independent mentions stands in its place.

    Args:
        counts: (documents, 3, groups).
        names: of the groups.
        seed: of the resampling.
    """
    total = counts.sum(axis=0)
    intervals = bootstrap(counts, {name: _f1_of(at) for at, name in enumerate(names)}, seed=seed)
    rates = zip(names, precision(total), recall(total), total.T, strict=True)
    return [
        GroupScore(
            name=name,
            support=int(tp + fn),
            predicted=int(tp + fp),
            right=int(tp),
            precision=float(group_precision),
            recall=float(group_recall),
            f1=_with_width(intervals[name], int(tp), int(fp), int(fn)),
        )
        for name, group_precision, group_recall, (tp, fp, fn) in rates
    ]


def overall_score(
    outcomes: Sequence[Outcome],
    documents: Sequence[Document],
    types: Sequence[str],
    seed: int = SEED,
) -> OverallScore:
    """Micro and macro scores over these types."""
    strict = contributions(outcomes, documents, types, type_of)
    found = bootstrap(
        strict,
        {
            "precision": lambda sums: precision(sums.sum(axis=-1, keepdims=True))[..., 0],
            "recall": lambda sums: recall(sums.sum(axis=-1, keepdims=True))[..., 0],
            "micro_f1": micro_f1,
            "macro_f1": macro_f1,
        },
        seed=seed,
    )
    overlapping = frozenset({Category.CORRECT, Category.BOUNDARY})
    lenient = contributions(outcomes, documents, types, type_of, overlapping)
    supported = strict[:, TP].sum(axis=0) + strict[:, FN].sum(axis=0) > 0
    return OverallScore(
        **found,
        lenient_f1=bootstrap(lenient, {"f1": micro_f1}, seed=seed)["f1"],
        macro_types=int(supported.sum()),
    )


def type_of(mention: Entity | Prediction, _: str) -> str:
    """Groups by type."""
    return mention.type


def tier_group(mentions: Mapping[str, int]) -> GroupOf:
    """Groups by how often the type was seen in training, as `type_policy.tier_of` parts them."""
    return lambda mention, _: tier_of(mentions.get(mention.type, 0))


def length_of(mention: Entity | Prediction, text: str) -> str:
    """Groups by words, one of LENGTHS."""
    count = _words(mention, text)
    if count <= 3:
        return str(max(count, 1))
    return "4-5" if count <= 5 else "6 or more"


def tokens_of(mention: Entity | Prediction, text: str) -> str:
    """Groups by one word or several, one of TOKENS."""
    return TOKENS[_words(mention, text) > 1]


def _words(mention: Entity | Prediction, text: str) -> int:
    """Words of a mention; of a discontinuous one, of its fragments."""
    place = (
        fragments(text, mention) if isinstance(mention, Entity) else ((mention.start, mention.end),)
    )
    return sum(len(words_of(text[start:end])) for start, end in place)


def _with_width(found: Interval, tp: int, fp: int, fn: int) -> Interval:
    return f1_interval(tp, fp, fn) if found.low == found.high else found


def _f1_of(column: int) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    return lambda sums: f1(sums[..., column : column + 1])[..., 0]
