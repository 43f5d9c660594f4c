"""Mentions -> one BIO tag a word, and what the projection cannot say.

A word has one tag, so that of two mentions that share a word only the longer is kept, a mention
that ends inside a word is widened to it, and the fragments of a discontinuous one become mentions
of their own. All of that is counted: the score against the original spans is what it costs.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from thce.ner.documents import Document
from thce.ner.tags import OUTSIDE
from thce.ner.words import Words, words_of

EXACT, WIDENED, FRAGMENTED, HIDDEN, WORDLESS = (
    "exact",
    "widened",
    "fragmented",
    "hidden",
    "wordless",
)
"""What can become of a mention: as it is; to whole words; in pieces; under a longer one; lost."""


@dataclass(frozen=True)
class Projected:
    """A document as words with tags.

    Attributes:
        document: its id.
        words: the words of its text.
        tags: one a word.
        outcomes: how many mentions went which way.
    """

    document: str
    words: Words
    tags: tuple[str, ...]
    outcomes: dict[str, int]


@dataclass(frozen=True)
class _Piece:
    mention: int
    type: str
    first: int
    last: int
    exact: bool


def project(document: Document) -> Projected:
    """Tags every word of a document."""
    words = words_of(document.text)
    pieces = _pieces(document, words)
    tags = [OUTSIDE] * len(words)
    hidden: set[int] = set()
    for piece in sorted(pieces, key=lambda one: (one.first - one.last, one.first, one.mention)):
        if any(tag != OUTSIDE for tag in tags[piece.first : piece.last]):
            hidden.add(piece.mention)
            continue
        inside = [f"I-{piece.type}"] * (piece.last - piece.first - 1)
        tags[piece.first : piece.last] = [f"B-{piece.type}", *inside]
    exact = {piece.mention: piece.exact for piece in pieces}
    outcomes = Counter(
        _outcome(len(entity.spans), exact.get(number), number in hidden)
        for number, entity in enumerate(document.entities)
    )
    return Projected(document.id, words, tuple(tags), dict(outcomes))


def _pieces(document: Document, words: Words) -> list[_Piece]:
    """The words of each fragment of each mention."""
    pieces: list[_Piece] = []
    for number, entity in enumerate(document.entities):
        for start, end in entity.spans:
            first, last = words_within(words.spans, start, end)
            if first < last:
                exact = (words.spans[first][0], words.spans[last - 1][1]) == (start, end)
                pieces.append(_Piece(number, entity.type, first, last, exact))
    return pieces


def words_within(spans: Sequence[tuple[int, int]], start: int, end: int) -> tuple[int, int]:
    """The words that share a character with start..end, as first and one past the last."""
    first = bisect_right(spans, start, key=lambda span: span[1])
    last = bisect_left(spans, end, key=lambda span: span[0])
    return first, last


def _outcome(fragments: int, exact: bool | None, hidden: bool) -> str:
    if exact is None:
        return WORDLESS
    if hidden:
        return HIDDEN
    if fragments > 1:
        return FRAGMENTED
    return EXACT if exact else WIDENED
