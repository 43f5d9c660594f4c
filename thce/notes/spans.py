"""What a recognizer finds: a stretch of text that identifies someone, and what replaces it."""

import string
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

_WORD_ENDS = dict.fromkeys(map(ord, string.punctuation + string.digits + "\n"), " ")

KINDS = (
    "name",
    "facility",
    "address",
    "zip",
    "phone",
    "email",
    "url",
    "ssn",
    "id",
    "age",
    "date",
)
"""What is recognized, in the order in which overlapping finds are named."""


class Span(NamedTuple):
    """One find: characters `start` to `end` (exclusive) of the text."""

    start: int
    end: int
    kind: str
    placeholder: str


class Source:
    """A normalized text as the recognizers take it.

    `lower` has every character of `text` at its place, in lower case; `words` are the words of
    `lower`, so that a recognizer can tell at once that none of its own is there.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        # U+0130 is the one letter whose lower case is longer than itself.
        self.lower = text.replace("\u0130", "I").lower()
        self.words = frozenset(self.lower.translate(_WORD_ENDS).split())

    @cached_property
    def words_as_written(self) -> frozenset[str]:
        """The words of `text`; a name is not among them in lower case, a common word may be."""
        return frozenset(self.text.translate(_WORD_ENDS).split())

    def ends_of(self, phrase: str) -> Iterator[int]:
        """Where each occurrence of a lower-case phrase ends, between word boundaries."""
        lower = self.lower
        start = lower.find(phrase)
        while start >= 0:
            end = start + len(phrase)
            if not (start and lower[start - 1].isalnum()) and not lower[end : end + 1].isalpha():
                yield end
            start = lower.find(phrase, end)

    def present(self, phrases: "Phrases") -> Iterator[str]:
        """Those of the phrases whose first word is in the text."""
        for word in self.words & phrases.first_words:
            yield from phrases.by_first_word[word]


class Phrases:
    """Lower-case phrases by their first word."""

    def __init__(self, phrases: Iterable[str]) -> None:
        self.by_first_word: dict[str, list[str]] = {}
        for phrase in phrases:
            self.by_first_word.setdefault(phrase.translate(_WORD_ENDS).split()[0], []).append(
                phrase
            )
        self.first_words = frozenset(self.by_first_word)


Recognizer = Callable[[Source], Iterable[Span]]
"""Gives its finds in any order; they may overlap."""
