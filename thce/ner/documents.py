"""A document, the entities annotated in it and those predicted.

Offsets are characters of the document's text, half-open.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entity:
    """One annotated mention.

    Attributes:
        id: as in the file, such as T12.
        type: as in the file, such as Disease_disorder.
        spans: its fragments in order; more than one where the mention is discontinuous.
        text: as in the file (the fragments joined by a blank).
    """

    id: str
    type: str
    spans: tuple[tuple[int, int], ...]
    text: str

    @property
    def start(self) -> int:
        """Where its first fragment begins."""
        return self.spans[0][0]

    @property
    def end(self) -> int:
        """Where its last fragment ends."""
        return self.spans[-1][1]


@dataclass(frozen=True)
class Document:
    """One text with its entities, in the order of the file; `id` is the file's stem."""

    id: str
    text: str
    entities: tuple[Entity, ...]


@dataclass(frozen=True)
class Prediction:
    """One predicted mention, always one fragment.

    Attributes:
        document: the document's id.
        type: the entity type.
        start: first character.
        end: one past the last.
        confidence: the least softmax probability of the predicted tags over the span's words.
        token_confidences: that probability for each of the words.
    """

    document: str
    type: str
    start: int
    end: int
    confidence: float
    token_confidences: tuple[float, ...]
