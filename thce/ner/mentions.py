"""Predicted mentions as arrays: what thresholds of confidence are tried on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.ner.documents import Document, Prediction
from thce.ner.matching import Category, Outcome


@dataclass(frozen=True)
class Mentions:
    """The predicted mentions of some documents and what became of them.

    Attributes:
        document: (n,) the row of the document of each.
        type: (n,) predicted type.
        confidence: (n,).
        right: (n,) whether type and extent are those of an annotation.
        annotated: (documents, types) annotated mentions.
        types: names of its columns.
        ids: the documents.
    """

    document: NDArray[np.int64]
    type: NDArray[np.str_]
    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    annotated: NDArray[np.int64]
    types: tuple[str, ...]
    ids: tuple[str, ...]


def predicted_of(outcomes: Sequence[Outcome]) -> list[Prediction]:
    """The predictions of some outcomes, in their order: the rows of `mentions_of`."""
    return [one.prediction for one in outcomes if one.prediction is not None]


def mentions_of(
    outcomes: Sequence[Outcome],
    documents: Sequence[Document],
    types: Sequence[str],
    confidence: NDArray[np.floating],
) -> Mentions:
    """The predictions of some outcomes as arrays.

    Args:
        outcomes: of `matching.match` on these documents.
        documents: in the order of the rows.
        types: names, in the order of the columns.
        confidence: (n,) of the predictions, in the order of `predicted_of`.
    """
    row = {document.id: at for at, document in enumerate(documents)}
    column = {name: at for at, name in enumerate(types)}
    annotated = np.zeros((len(documents), len(types)), dtype=np.int64)
    for document in documents:
        for entity in document.entities:
            annotated[row[document.id], column[entity.type]] += 1
    found = [one for one in outcomes if one.prediction is not None]
    predicted = predicted_of(outcomes)
    return Mentions(
        document=np.array([row[one.document] for one in predicted], dtype=np.int64),
        type=np.array([one.type for one in predicted], dtype=np.str_),
        confidence=np.asarray(confidence, dtype=np.float64),
        right=np.array([one.category is Category.CORRECT for one in found], dtype=np.bool_),
        annotated=annotated,
        types=tuple(types),
        ids=tuple(document.id for document in documents),
    )
