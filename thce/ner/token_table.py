"""What a model said of every word: annotated and predicted tag, and a probability for each tag."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.ner.tags import chunks

LEAST = 1e-12
"""Probabilities below it, which float32 may have rounded to 0, are taken for it."""


@dataclass(frozen=True)
class Tokens:
    """The words of some documents, in reading order within each.

    Attributes:
        document: (w,) ids.
        start: (w,) first character.
        end: (w,) one past the last.
        gold: (w,) annotated tag, as its place in `tags`.
        predicted: (w,) predicted tag.
        probability: (w, tags) softmax.
        tags: BIO tags, O among them.
    """

    document: NDArray[np.str_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    gold: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]
    tags: tuple[str, ...]

    def __len__(self) -> int:
        """Words."""
        return len(self.start)


@dataclass(frozen=True)
class TaggedSpan:
    """A mention that tags spell out: rows of the table, half-open."""

    document: str
    type: str
    first: int
    last: int


def tagged_spans(tokens: Tokens, tag: NDArray[np.int64]) -> list[TaggedSpan]:
    """The mentions that a column of BIO tags spells out, as `tags.chunks` reads them."""
    found: list[TaggedSpan] = []
    names = np.array(tokens.tags)[tag]
    for begin, stop in _document_rows(tokens).values():
        found += [
            TaggedSpan(str(tokens.document[begin]), kind, begin + first, begin + last)
            for kind, first, last in chunks(names[begin:stop].tolist())
        ]
    return found


def rows_within(tokens: Tokens, places: Sequence[tuple[str, int, int]]) -> list[slice]:
    """The rows of the words that share a character with each place (document, start, end)."""
    rows = _document_rows(tokens)
    found = []
    for document, start, end in places:
        begin, stop = rows.get(document, (0, 0))
        first = begin + int(np.searchsorted(tokens.end[begin:stop], start, "right"))
        last = begin + int(np.searchsorted(tokens.start[begin:stop], end, "left"))
        found.append(slice(first, max(first, last)))
    return found


def least_probability(
    tokens: Tokens,
    probability: NDArray[np.floating],
    tag: NDArray[np.int64],
    rows: Sequence[slice],
) -> NDArray[np.float64]:
    """For each span the least probability of these tags over its words.

    Args:
        tokens: the table.
        probability: (w, tags), of the table or scaled.
        tag: (w,) the tags whose probability counts.
        rows: the words of each span, at least one.
    """
    of_tag = probability[np.arange(len(tokens)), tag].astype(np.float64)
    return np.array([of_tag[span].min() for span in rows])


def _document_rows(tokens: Tokens) -> dict[str, tuple[int, int]]:
    """The rows of each document, first and one past the last."""
    ids, first, count = np.unique(tokens.document, return_index=True, return_counts=True)
    return {
        str(name): (int(start), int(start + size))
        for name, start, size in zip(ids, first, count, strict=True)
    }
