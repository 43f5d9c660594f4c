"""Errors by kind: how many of each, which types are taken for which, and examples to look at."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.ner.documents import Document, Entity, Prediction
from thce.ner.matching import Category, Extent, Outcome

OTHER, NOTHING = "other types", "nothing"
MOST_EXAMPLES = 30
CONTEXT = 60

_KINDS: Mapping[tuple[Category, Extent], str] = {
    (Category.BOUNDARY, Extent.SHORT): "boundary, too short",
    (Category.BOUNDARY, Extent.LONG): "boundary, too long",
    (Category.BOUNDARY, Extent.SHIFTED): "boundary, shifted",
    (Category.TYPE, Extent.SAME): "type, same extent",
    (Category.TYPE, Extent.SHORT): "type, other extent",
    (Category.TYPE, Extent.LONG): "type, other extent",
    (Category.TYPE, Extent.SHIFTED): "type, other extent",
    (Category.MISSED, Extent.APART): "missed",
    (Category.MISSED, Extent.BESIDE): "missed beside a mention found",
    (Category.SPURIOUS, Extent.APART): "spurious",
    (Category.SPURIOUS, Extent.BESIDE): "spurious beside a mention annotated",
}
KINDS = tuple(dict.fromkeys(_KINDS.values()))


@dataclass(frozen=True)
class Confusion:
    """Types against types; the last two rows and columns are other types and nothing.

    Attributes:
        names: of rows (annotated) and columns (predicted).
        counts: (names, names) pairs, misses in the last column, spurious ones in the last row.
    """

    names: tuple[str, ...]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Example:
    """An error to look at.

    Attributes:
        kind: one of KINDS.
        document: the document's id.
        annotated: its type; None where nothing is annotated.
        annotated_at: its fragments.
        predicted: its type; None where nothing is predicted.
        predicted_at: first character and one past the last.
        confidence: of the prediction.
        text: the annotation between brackets, the prediction between bars, with some text around;
            None where texts may not be shown.
    """

    kind: str
    document: str
    annotated: str | None
    annotated_at: tuple[tuple[int, int], ...]
    predicted: str | None
    predicted_at: tuple[int, int] | None
    confidence: float | None
    text: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, without the text: JSON goes to terminals and logs."""
        return {name: value for name, value in asdict(self).items() if name != "text"}


def kind_of(outcome: Outcome) -> str | None:
    """The kind of an error; None for what is correct."""
    return _KINDS.get((outcome.category, outcome.extent))


def count_kinds(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many errors there are of each kind, in the order of KINDS."""
    counts = Counter(kind for one in outcomes if (kind := kind_of(one)) is not None)
    return {kind: counts[kind] for kind in KINDS}


def count_categories(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """For each type, how many of its outcomes are of each category.

    A pair of two types is counted under the annotated one.
    """
    counts: dict[str, Counter[str]] = {}
    for one in outcomes:
        counts.setdefault(one.type, Counter())[one.category] += 1
    return {
        name: {category.value: counts[name][category] for category in Category}
        for name in sorted(counts)
    }


def confuse(outcomes: Sequence[Outcome], types: Sequence[str]) -> Confusion:
    """Which types are taken for which.

    Args:
        outcomes: of `matching.match`.
        types: those with a row of their own.
    """
    names = (*types, OTHER, NOTHING)
    place = {name: at for at, name in enumerate(types)}
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    for one in outcomes:
        row, column = (
            len(names) - 1 if mention is None else place.get(mention.type, len(types))
            for mention in (one.gold, one.prediction)
        )
        counts[row, column] += 1
    return Confusion(names, counts)


def examples(
    outcomes: Sequence[Outcome],
    documents: Sequence[Document],
    *,
    show_text: bool,
    most: int = MOST_EXAMPLES,
    seed: int = 42,
) -> list[Example]:
    """Errors of all kinds in turn, of types not shown yet before others.

    Args:
        outcomes: of `matching.match` on these documents.
        documents: for the text around.
        show_text: whether the examples hold any.
        most: how many.
        seed: which of those that are as good.
    """
    order = np.random.default_rng(seed).permutation(len(outcomes)).tolist()
    waiting: dict[str, list[Outcome]] = {kind: [] for kind in KINDS}
    for at in order:
        kind = kind_of(outcomes[at])
        if kind is not None:
            waiting[kind].append(outcomes[at])
    texts = {document.id: document.text for document in documents}
    shown: Counter[str] = Counter()
    found: dict[str, list[Example]] = {kind: [] for kind in KINDS}
    left = min(most, sum(map(len, waiting.values())))
    while left:
        for kind in KINDS:
            if left and waiting[kind]:
                one = min(waiting[kind], key=lambda error: shown[error.type])
                waiting[kind].remove(one)
                shown[one.type] += 1
                found[kind].append(_example(kind, one, texts[one.document], show_text))
                left -= 1
    return [one for kind in KINDS for one in found[kind]]


def _example(kind: str, outcome: Outcome, text: str, show_text: bool) -> Example:
    gold, prediction = outcome.gold, outcome.prediction
    return Example(
        kind=kind,
        document=outcome.document,
        annotated=None if gold is None else gold.type,
        annotated_at=() if gold is None else gold.spans,
        predicted=None if prediction is None else prediction.type,
        predicted_at=None if prediction is None else (prediction.start, prediction.end),
        confidence=None if prediction is None else prediction.confidence,
        text=_in_context(text, gold, prediction) if show_text else None,
    )


def _in_context(text: str, gold: Entity | None, prediction: Prediction | None) -> str:
    marks: list[tuple[int, str]] = []
    for start, end in () if gold is None else gold.spans:
        marks += [(start, "["), (end, "]")]
    if prediction is not None:
        marks += [(prediction.start, "|"), (prediction.end, "|")]
    first, last = min(at for at, _ in marks), max(at for at, _ in marks)
    start, end = max(0, first - CONTEXT), min(len(text), last + CONTEXT)
    shown, before = "", start
    for at, mark in sorted(marks, key=lambda one: one[0]):
        shown += text[before:at] + mark
        before = at
    whole = " ".join((shown + text[before:end]).split())
    return f"{'… ' if start else ''}{whole}{' …' if end < len(text) else ''}"
