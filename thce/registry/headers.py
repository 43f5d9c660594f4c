"""Headers of a note: where they stand, and what kind of section each announces.

They are found as they occur in practice: on a line of their own, inline before a colon, in
capitals inside run-on dictation (".,PROCEDURE PERFORMED:,"), before a dash or a full stop. A table
(`data/headers.yaml`) maps them to the few kinds that matter to assertion.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache
from typing import NamedTuple

from thce.registry.lexicon_files import read_lexicon_file


class Section(StrEnum):
    """What part of the note a sentence stands in."""

    HEADING = "heading"  # the note's first lines, and lines in capitals
    TITLE = "title"  # under a header such as PROCEDURES PERFORMED, a list of names
    PROCEDURE = "procedure"  # under such a header, an account
    BODY = "body"  # description, findings, course; the default
    DIAGNOSIS = "diagnosis"
    INDICATION = "indication"
    HISTORY = "history"
    FAMILY = "family"
    CONSENT = "consent"  # consent, risks, options, what was planned or scheduled
    PLAN = "plan"
    IMPRESSION = "impression"
    SPECIMEN = "specimen"
    EQUIPMENT = "equipment"
    NOT_DONE = "not_done"
    ADDENDUM = "addendum"
    OTHER = "other"  # medications, examination, comparison studies


class Header(NamedTuple):
    """One header.

    Attributes:
        start: offset of its label.
        kind: the section it opens; None for a label that is not in the table.
        inline: whether content follows on its line.
    """

    start: int
    kind: Section | None
    inline: bool


TITLE_WORDS = 14
"""A longer line is a sentence, not a heading."""

_TITLE_LINES = 4
_LABEL_LENGTH = 90
_BULLETS = " \t*#•>-"
_LABEL = re.compile(r"(?P<gap>[ \t,*#•>-]*(?:\(?\d{1,2}[.)][ \t]*)?)(?P<label>[A-Za-z][^:]*)\Z")
_CORRECTION = re.compile(r"[ \t*]*(?:addend(?:um|a)|late entry|amendment)\b", re.IGNORECASE)
_FRAMED = re.compile(
    r"[ \t]*(?:\[|[<>=~*-]{2,})[ \t]*(?P<label>[A-Za-z][^\[\]<>=~*\n]*?)[ \t]*"
    r"(?:\]|[<>=~*-]{2,})[ \t]*\Z"
)
"""A line that is a label in a frame: "[Prior procedures]", ">> Copied text >>"."""
_DATED_ITEM = re.compile(r"(?:day|night|hd|pod|icu day|hospital day) ?#?\d", re.IGNORECASE)
"""Opens an item of a chronology, not a section."""
_LABEL_END = re.compile("\\.(?:\\s|\\Z)| [-\u2013\u2014] ")


@cache
def _header_table() -> tuple[dict[str, Section], tuple[tuple[str, Section], ...]]:
    """Whole labels, and words that decide a longer label (the first one wins)."""
    data = read_lexicon_file("headers.yaml")
    whole = {label: Section(kind) for kind, labels in data["whole"].items() for label in labels}
    return whole, tuple((word, Section(kind)) for word, kind in data["containing"])


@lru_cache(maxsize=4096)
def header_kind(label: str, whole_only: bool = False) -> Section | None:
    """The section kind that a header's text announces, or None for an unknown header.

    Args:
        label: the text before the colon.
        whole_only: accept only labels listed whole, for headers that lack a colon.
    """
    normal = " ".join(re.sub(r"[^a-z ]", " ", label.lower()).split())
    whole, containing = _header_table()
    if normal in whole or whole_only:
        return whole.get(normal)
    padded = f" {normal} "
    return next((kind for word, kind in containing if f" {word}" in padded), None)


def title_end(text: str) -> int:
    """Offset past the short lines that open a note, before its first known header."""
    position = 0
    for _ in range(_TITLE_LINES):
        newline = text.find("\n", position)
        end = len(text) if newline < 0 else newline + 1
        line = text[position:end]
        label = line.partition(":")[0]
        known = header_kind(label.strip(), whole_only=":" not in line)
        if len(line.split()) > TITLE_WORDS or known:
            break
        position = end
        if newline < 0:
            break
    return position


def find_headers(text: str) -> Iterator[Header]:
    """Every header of a note, in order."""
    found = dict(_line_headers(text))
    found.update(_colon_headers(text))
    for start in sorted(found):
        kind, end = found[start]
        rest = text[end : end + 200].partition("\n")[0]
        yield Header(start, kind, bool(rest.strip(" ,\t")))


def _colon_headers(text: str) -> Iterator[tuple[int, tuple[Section | None, int]]]:
    """Labels before a colon, as (offset, (kind, offset of the content)).

    An unknown label counts where it opens a line and is not numbered, or is in capitals; a known
    one also behind a full stop or comma, where it begins with a capital.
    """
    colon = text.find(":")
    while colon >= 0:
        left = max(0, colon - _LABEL_LENGTH)
        cut = _last_boundary(text, left, colon)
        match = _LABEL.match(text, cut + 1, colon) if cut >= 0 or left == 0 else None
        if match:
            label = match["label"].strip()
            kind = header_kind(label)
            opens_line = cut < 0 or text[cut] == "\n"
            plain = not match["gap"].strip(_BULLETS) or (label.isupper() and len(label) > 3)
            plain = plain and not _DATED_ITEM.match(label)
            if (opens_line and (kind or plain)) or (kind and label[0].isupper()):
                yield match.start("label"), (kind, colon + 1)
        colon = text.find(":", colon + 1)


def _last_boundary(text: str, left: int, colon: int) -> int:
    """Where the label before a colon begins: behind a line break, a comma or a sentence."""
    cut = max(text.rfind(mark, left, colon) for mark in "\n.;,")
    if cut > 0 and text[cut] == "." and text[cut - 1].isdigit():
        cut = max(text.rfind(mark, left, cut) for mark in "\n,")
    return cut


def _line_headers(text: str) -> Iterator[tuple[int, tuple[Section | None, int]]]:
    """Known labels that stand alone on a line, framed or not, or before a full stop or a dash.

    A correction is known by its first word: what follows are mostly a name and a time.
    """
    position = 0
    while 0 <= position < len(text):
        newline = text.find("\n", position)
        end = len(text) if newline < 0 else newline
        label = _LABEL_END.split(text[position : min(end, position + 40)], maxsplit=1)[0]
        correction = _CORRECTION.match(text, position, end)
        framed = _FRAMED.match(text, position, end) if position and end - position < 90 else None
        if framed and (kind := header_kind(framed["label"])):
            yield position, (kind, end)
        elif correction:
            yield position, (Section.ADDENDUM, correction.end())
        elif ":" not in label and (kind := header_kind(label, whole_only=True)):
            yield position, (kind, position + len(label) + 1)
        position = end + 1
