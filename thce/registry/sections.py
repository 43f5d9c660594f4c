"""Sentences of a dictated or typed note, each with the kind of section it stands in.

It knows nothing of procedures; what a kind means for a mention is decided in
`thce.registry.context`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from thce.registry.headers import TITLE_WORDS, Section, find_headers, title_end


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence or line, by character offsets into the note.

    Attributes:
        start: offset of its first character.
        end: offset past its last character.
        section: the kind of section it stands in.
        checked: True or False for an item of a checkbox list, None elsewhere.
    """

    start: int
    end: int
    section: Section
    checked: bool | None = None


_OPEN_ENDED = frozenset({Section.ADDENDUM, Section.BODY})
"""Kinds that a blank line does not end."""

_BRIEF = frozenset({Section.CONSENT, Section.INDICATION, Section.FAMILY, Section.DIAGNOSIS})
"""Kinds that end with their header's line where that line is a finished sentence."""

_ONE_LINE = frozenset({Section.OTHER, Section.EQUIPMENT})
_FINISHED_LINE = re.compile(r"(?<=[.?!)])[ \t]*\n(?=[A-Z])|\n[ \t]*\n")
_LINE_END = re.compile(r"\n")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_BOX = re.compile(r"\[[ _]?[xX✓*]?[ _]?\]|[☐☑☒□✓✔]|\([xX_ ]\)(?= ?[A-Za-z])")
_TICKED = re.compile(r"[xX✓*☑☒✔]")
_BREAK = re.compile(r"\n+|[ \t]{3,}|[.!?][\"')\]]*(?:\s+(?=\S)|,\s*|(?=[A-Z][a-z]))")
_ABBREVIATION = re.compile(
    r"(?:\b(?:dr|drs|mr|mrs|ms|st|vs|approx|e\.g|i\.e|fr|pt|hx|dx|inc|lt|rt|ant|post|lat|med|"
    r"inf|sup|seg|bx|resp|fig|subq|min|max|[b-z])|(?:^|\n|,)\s*\d{1,2})\.\Z",
    re.IGNORECASE,
)
_LISTS = frozenset({Section.TITLE, Section.HEADING})
_PROSE_WORDS = 6
_PROSE_VERB = re.compile(r"\b(?:was|were|is|are|has|had|I|we)\b", re.IGNORECASE)
_WRAP_LENGTH = 55
_BLANK = " \t\n-*•,."


_PREPARED = r"\b(?:prepped|draped|time-?\s?out (?:was )?(?:done|performed|called|taken))\b"
_BEGUN = re.compile(
    _PREPARED
    + r"|\b(?:was|were) (?:brought|taken|transferred|transported|positioned|placed (?:in|on) the)\b"
    r"|\bafter (?:obtaining )?(?:informed |written |full )?consent\b|\bunder general an"
    r"|\b(?:scope|bronchoscope|needle|catheter|tube) was (?:then )?"
    r"(?:passed|introduced|inserted|advanced)\b",
    re.IGNORECASE,
)
_NARRATIVE_STARTS = {
    Section.INDICATION: _BEGUN,
    Section.DIAGNOSIS: _BEGUN,
    Section.CONSENT: _BEGUN,
    Section.OTHER: _BEGUN,
    Section.EQUIPMENT: _BEGUN,
    Section.HISTORY: re.compile(
        _PREPARED + r"|\bscope (?:in|passed|down|introduced|advanced|inserted)\b|\b(?:GA|LMA)[,.]",
        re.IGNORECASE,
    ),
}
"""What shows that a section has run on into the account of the procedure."""


def sentences(text: str) -> list[Sentence]:
    """The sentences of a note in order, each with its section; blank ones are left out."""
    return [piece for span in _section_spans(text) for piece in _narrated(text, *span)]


def _narrated(text: str, start: int, end: int, section: Section) -> Iterator[Sentence]:
    """The sentences of a stretch; once it tells of the procedure itself, the rest is narrative.

    Dictation often runs from a list of procedures, or from the indication, into the account
    without a header between.
    """
    marker = _NARRATIVE_STARTS.get(section)
    narrative = Section.PROCEDURE if section is Section.TITLE else Section.BODY
    begun = False
    for sentence in _pieces(text, start, end, section):
        if marker and not begun:
            begun = marker.search(text, sentence.start, sentence.end) is not None
        elif section in _LISTS and not begun:
            begun = _is_prose(text[sentence.start : sentence.end])
        yield replace(sentence, section=narrative) if begun else sentence


def _section_spans(text: str) -> Iterator[tuple[int, int, Section]]:
    """Stretches between headers; a header belongs to the stretch that it opens."""
    position, kind, inline = title_end(text), Section.BODY, False
    if position:
        yield 0, position, Section.HEADING
    for header in find_headers(text):
        if kind is Section.ADDENDUM and (
            header.kind is None or not _opens_line(text, header.start)
        ):
            continue
        if header.start > position:
            yield from _until_blank_line(text, position, header.start, kind, inline)
        position = max(header.start, position)
        kind, inline = header.kind or Section.BODY, header.inline
    yield from _until_blank_line(text, position, len(text), kind, inline)


def _opens_line(text: str, position: int) -> bool:
    """Whether nothing but blanks and bullets stands before an offset on its line."""
    return not text[text.rfind("\n", 0, position) + 1 : position].strip(_BLANK)


def _until_blank_line(
    text: str, start: int, end: int, kind: Section, inline: bool
) -> Iterator[tuple[int, int, Section]]:
    """A section whose content began on its header's line ends at the first blank line.

    Lists of drugs or instruments end with the line.
    """
    stop = _LINE_END if kind in _ONE_LINE else _FINISHED_LINE if kind in _BRIEF else _BLANK_LINE
    blank = stop.search(text, start, end) if inline and kind not in _OPEN_ENDED else None
    cut = blank.start() if blank else end
    if start < cut:
        yield start, cut, kind
    if cut < end:
        yield cut, end, Section.BODY


def _pieces(text: str, start: int, end: int, section: Section) -> Iterator[Sentence]:
    """The sentences of one stretch, cut again at checkboxes."""
    boxed = _BOX.search(text, start, end) is not None
    shouting = text.isupper()
    for left, right in _split(text, start, end):
        if not boxed:
            heading = section is Section.BODY and not shouting and _is_heading(text, left, right)
            yield Sentence(left, right, Section.HEADING if heading else section)
            continue
        boxes = list(_BOX.finditer(text, left, right))
        edges = [left, *(box.start() for box in boxes), right]
        states = [None, *(bool(_TICKED.search(box.group())) for box in boxes)]
        for piece_start, piece_end, state in zip(edges[:-1], edges[1:], states, strict=True):
            if text[piece_start:piece_end].strip():
                yield Sentence(piece_start, piece_end, section, state)


def _is_heading(text: str, start: int, end: int) -> bool:
    """A line in capitals inside a note in ordinary case: the name of the next procedure."""
    if start and text[start - 1] != "\n":
        return False
    words = text[start:end].partition("(")[0]
    return words.isupper() and 1 < len(words.split()) <= TITLE_WORDS


def _is_prose(sentence: str) -> bool:
    """Whether a sentence among names of procedures tells a story."""
    return len(sentence.split()) >= _PROSE_WORDS and _PROSE_VERB.search(sentence) is not None


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    position = start
    for match in _BREAK.finditer(text, start, end):
        if not _is_boundary(text, position, match):
            continue
        if text[position : match.start()].strip(_BLANK):
            yield position, match.start()
        position = match.end()
    if text[position:end].strip(_BLANK):
        yield position, end


def _is_boundary(text: str, position: int, match: re.Match[str]) -> bool:
    """Not after an abbreviation or a list number, and not at a hard wrap inside a sentence."""
    before = text[max(position, match.start() - 12) : match.start()]
    if text[match.start()] in " \t":
        return True
    if "\n" not in match.group():
        if before.lower().endswith("no"):
            return not text[match.end() : match.end() + 1].isdigit()
        return not _ABBREVIATION.search(before + ".")
    long_line = match.start() - max(text.rfind("\n", 0, match.start()), 0) > _WRAP_LENGTH
    wrapped = before[-1:] not in ".:;!?" and text[match.end() : match.end() + 1].islower()
    return not (wrapped and long_line and match.group() == "\n")
