"""Predicted against annotated mentions: each of both lies in exactly one category.

Pairs are one to one and made in four passes, the best first: same type and extent; same type and
some overlap; another type on the same extent; another type with some overlap. Within a pass the
pair that shares most (characters in both over characters in either) is made first, and ties go to
the earlier mention, so neither the order of the entities nor that of the documents matters. What
is left over is missed or spurious. The categories are those of MUC-5 (Chinchor and Sundheim 1993)
with partial and incorrect told apart by extent as well.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from thce.ner.documents import Document, Entity, Prediction

Fragments = tuple[tuple[int, int], ...]


class Category(StrEnum):
    """What became of a mention."""

    CORRECT = "correct"
    BOUNDARY = "boundary"
    TYPE = "type"
    MISSED = "missed"
    SPURIOUS = "spurious"


class Extent(StrEnum):
    """How a prediction lies to the annotation it is paired with, or to others where it has none.

    Short leaves a part of the annotation out and takes in nothing more; long takes in all of it
    and more (over-prediction); shifted does both. Unpaired mentions are apart, or beside: they
    overlap a mention that is paired with another (a fragment of it, or one of several under it).
    """

    SAME = "same"
    SHORT = "short"
    LONG = "long"
    SHIFTED = "shifted"
    BESIDE = "beside"
    APART = "apart"


@dataclass(frozen=True)
class Outcome:
    """An annotated mention, a predicted one, or a pair of both, with what became of it.

    Attributes:
        document: the document's id.
        category: correct, boundary, type, missed or spurious.
        extent: how the two lie to each other.
        gold: the annotation; None where the prediction is spurious.
        prediction: None where the annotation is missed.
    """

    document: str
    category: Category
    extent: Extent
    gold: Entity | None
    prediction: Prediction | None

    @property
    def type(self) -> str:
        """The annotated type, or the predicted one where nothing is annotated."""
        if self.gold is not None:
            return self.gold.type
        assert self.prediction is not None
        return self.prediction.type


def match(documents: Sequence[Document], predictions: Iterable[Prediction]) -> list[Outcome]:
    """Every annotation and every prediction of some documents in exactly one outcome.

    Args:
        documents: with their annotations as they are in the files; a discontinuous one is never
            correct, for a prediction is one fragment.
        predictions: of these documents.

    Returns:
        By document in the order given, and by place within one.
    """
    by_document: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in predictions:
        by_document[prediction.document].append(prediction)
    return [
        outcome
        for document in documents
        for outcome in match_document(document, by_document[document.id])
    ]


def match_document(document: Document, predictions: Sequence[Prediction]) -> list[Outcome]:
    """The outcomes of one document, by place."""
    gold = sorted(document.entities, key=lambda one: (one.spans, one.type, one.id))
    places = [fragments(document.text, entity) for entity in gold]
    found = sorted(predictions, key=lambda one: (one.start, one.end, one.type, one.confidence))
    ranks = {
        (row, column): _rank(entity, places[row], prediction)
        for row, entity in enumerate(gold)
        for column, prediction in enumerate(found)
        if _overlap(places[row], prediction)
    }
    candidates = sorted(ranks, key=lambda pair: (ranks[pair], pair))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in candidates:
        if row not in partner and column not in taken:
            partner[row] = column
            taken.add(column)
    rows, columns = {row for row, _ in ranks}, {column for _, column in ranks}
    outcomes = [
        _outcome(document.id, entity, places[row], found[partner[row]])
        if row in partner
        else Outcome(document.id, Category.MISSED, _alone(row in rows), entity, None)
        for row, entity in enumerate(gold)
    ]
    outcomes += [
        Outcome(document.id, Category.SPURIOUS, _alone(column in columns), None, prediction)
        for column, prediction in enumerate(found)
        if column not in taken
    ]
    return sorted(outcomes, key=_place)


def fragments(text: str, entity: Entity) -> Fragments:
    """Where a mention lies; parts with nothing but blanks between them (a line break) are one."""
    merged = [entity.spans[0]]
    for start, end in entity.spans[1:]:
        if text[merged[-1][1] : start].strip():
            merged.append((start, end))
        else:
            merged[-1] = (merged[-1][0], end)
    return tuple(merged)


def extent_of(place: Fragments, prediction: Prediction) -> Extent:
    """How a prediction lies to an annotation that it overlaps."""
    if place == ((prediction.start, prediction.end),):
        return Extent.SAME
    shared = _overlap(place, prediction)
    covered = shared == _length(place)
    if covered:
        return Extent.LONG
    inside = shared == prediction.end - prediction.start
    return Extent.SHORT if inside else Extent.SHIFTED


def _outcome(document: str, gold: Entity, place: Fragments, prediction: Prediction) -> Outcome:
    extent = extent_of(place, prediction)
    if gold.type != prediction.type:
        category = Category.TYPE
    else:
        category = Category.CORRECT if extent is Extent.SAME else Category.BOUNDARY
    return Outcome(document, category, extent, gold, prediction)


def _rank(gold: Entity, place: Fragments, prediction: Prediction) -> tuple[bool, bool, float]:
    """The order in which pairs are made, the best first."""
    shared = _overlap(place, prediction)
    either = _length(place) + prediction.end - prediction.start - shared
    other_extent = extent_of(place, prediction) is not Extent.SAME
    return gold.type != prediction.type, other_extent, -shared / either


def _alone(overlapping: bool) -> Extent:
    return Extent.BESIDE if overlapping else Extent.APART


def _overlap(place: Fragments, prediction: Prediction) -> int:
    """Characters in both."""
    return sum(
        max(0, min(end, prediction.end) - max(start, prediction.start)) for start, end in place
    )


def _length(place: Fragments) -> int:
    return sum(end - start for start, end in place)


def _place(outcome: Outcome) -> tuple[int, int, str]:
    mention = outcome.gold or outcome.prediction
    assert mention is not None
    return mention.start, mention.end, mention.type
