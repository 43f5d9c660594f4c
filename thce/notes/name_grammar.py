"""What a personal name looks like, and which capitalised words are none."""

import re

from thce.notes.lexicon import NOT_NAMES
from thce.notes.spans import Source

Stretch = tuple[int, int]
"""Start and end of a name in a text."""

WORD = r"[A-Z\u00c0-\u00de](?!\.)\w*(?:['-](?!s\b)\w+)*"
_PARTICLE = (
    r"(?:de la|de los|de|del|della|di|da|dos|du|van der|van den|van de|van|von der|von|der|le|la|al"
    r"|el|bin|ibn|ter|ten) "
)
TOKEN = rf"(?<![\w'])(?:{_PARTICLE})?(?:[A-Z]\.(?!\w)|{WORD})"
"""One part of a name: an initial or a capitalised word, with its particle (`van der Berg`)."""

NAME = re.compile(rf"{TOKEN}(?:(?: |(?<=\.)){TOKEN}){{0,4}}")
PAIR = re.compile(rf"{TOKEN}(?: {TOKEN})?, ?{TOKEN}(?: {TOKEN})?")
"""`Last, First M.`"""

_SPLIT = re.compile(r"[^ ,]+")


def leading(
    source: Source, start: int, end: int, forbidden_first: frozenset[str]
) -> Stretch | None:
    """The tokens from the left that can be a name: stops at a label or a word of the clinic."""
    text = source.text
    kept = start
    for token in _SPLIT.finditer(text, start, end):
        word = token.group()
        first = kept == start
        if _plain(word) in (forbidden_first if first else NOT_NAMES):
            break
        is_label = text[token.end() : token.end() + 1] == ":"
        if not first and (is_label or _is_no_surname(source, word)):
            break
        kept = token.end()
    while kept > start and text[kept - 1] == ".":
        kept -= 1
    return (start, kept) if kept > start else None


def trailing(text: str, start: int, end: int) -> Stretch | None:
    """The tokens up to the right end that can be a name: starts after the last common word."""
    for token in _SPLIT.finditer(text, start, end):
        if is_common(token.group()):
            start = token.end()
    while start < end and text[start] in " ,":
        start += 1
    return (start, end) if start < end else None


def has_common(name: str) -> bool:
    """Whether a word of it is listed as no name."""
    return any(is_common(token) for token in _SPLIT.findall(name))


def is_common(word: str) -> bool:
    """Whether a word is listed as no name."""
    return _plain(word) in NOT_NAMES


def _plain(word: str) -> str:
    """A word as the lexicon lists it; an initial such as `A.` is no word."""
    if len(word) == 1 or (len(word) == 2 and word.endswith(".")):
        return word
    return word.rstrip(".").lower()


def _is_no_surname(source: Source, word: str) -> bool:
    """Whether a capital is there for another reason: `I`, an adverb, a word written small too."""
    if word in ("I", "A") or word.endswith("ly"):
        return True
    return len(word) > 4 and word.lower() in source.words_as_written
