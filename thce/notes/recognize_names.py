"""Recognizer of personal names: by cue, by their place in sentence or line, and by repetition."""

import re
from collections.abc import Iterator

from thce.notes.lexicon import EPONYMS
from thce.notes.name_grammar import TOKEN, WORD, Stretch, has_common, is_common
from thce.notes.names_by_cue import credentialed, labelled, titled, titled_in_lower_case
from thce.notes.spans import Phrases, Source, Span

_BARE_PATIENT = re.compile(
    rf"\.? (?P<name>{TOKEN}, ?{TOKEN}|{TOKEN}(?: {TOKEN}){{1,2}})(?=[ ,.(\n]|$)"
)
_AFTER_DEAR = re.compile(rf" (?P<name>{TOKEN}(?: {TOKEN}){{0,2}})(?=[,:])")
_ADDRESSED = Phrases(("patient", "pt", "dear"))
_FULL_NAME = re.compile(rf"(?P<name>{TOKEN}(?: {TOKEN}){{1,2}})")
_DONE_BY = re.compile(
    r"\b(?:signed|dictated|reported|read|reviewed|interpreted|verified|authenticated|note|requested"
    r"|performed|assisted|placed|done|written) by $",
    re.IGNORECASE,
)
_INITIAL_AND_WORD = re.compile(rf"\.(?<=[A-Z]\.)(?<![\w'].\.) ?{WORD}")
_ROLE_BEFORE = re.compile(
    r"\b(?:attending|fellow|resident|surgeon|operator|proceduralist|anesthesiologist|assistant|assist"
    r"|scrub|circulator|(?:cyto)?tech|technologist|therapist|nurse|provider|addendum)[,(]? ?\(?$",
    re.IGNORECASE,
)
_PROVIDER_WORDS = Phrases(("provider", "attending", "surgeon"))
_COMMA_PAIR = re.compile(rf" (?P<name>{TOKEN}, ?{TOKEN})\b")
_DASHED = re.compile(rf"[-/~\u2014]+ ?(?P<name>[A-Z]\. ?{WORD})(?=,.{{0,30}}$|$)")
_CLOSING = re.compile(
    r"(?i:yours sincerely|sincerely|(?:kind |best |warm )?regards|yours truly|respectfully),?\n+"
    rf"(?P<name>{TOKEN}(?: {TOKEN}){{0,3}})(?=,|\n|$)"
)
_CLOSING_WORDS = ("sincerely", "regards", "truly", "respectfully")
_HEADING = re.compile(
    rf"(?:(?i:bed|room|rm) ?\w{{1,5}} )?(?P<name>{TOKEN}(?: {TOKEN}){{1,3}}|{TOKEN}, ?{TOKEN})"
    r" ?(?=$| ?/ ?(?:\d|\[AGE))"
)
_DASHES = ("\n-", "\n/", "\n~", "\n\u2014")
_UNDER_HEADING = ("\ndob", "\nmrn", "\nmr#", "\nage", "\ndate of birth", " / ")
_NAME_WORD = re.compile(r"[^\W\d_][\w'-]{3,}")
# In the midst of a sentence: a capital at its start says nothing.
_GIVEN_BEFORE = re.compile(r"(?:(?<![\w'])[A-Z]\. ?|(?<=[a-z,(] )[A-Z][a-z'-]+ )$")
_GIVEN_AFTER = re.compile(r",[A-Z]{2,}\b")


def recognize_names(source: Source) -> Iterator[Span]:
    """Names after a title or a label or before a credential, and those surnames wherever else."""
    announced = {
        *titled(source),
        *titled_in_lower_case(source),
        *credentialed(source.text),
        *labelled(source),
        *_in_running_text(source),
        *_in_lines(source),
    }
    for start, end in announced:
        yield Span(start, end, "name", "[NAME]")
    if announced:
        yield from _repeated(source, announced)


def _in_running_text(source: Source) -> Iterator[Stretch]:
    """Names in a sentence after `Patient`, `Dear`, `signed by`, `Attending` and the like."""
    text = source.text
    for word in source.present(_ADDRESSED):
        pattern = _AFTER_DEAR if word == "dear" else _BARE_PATIENT
        for end in source.ends_of(word):
            yield from _unless_common(pattern.match(text, end))
    for end in source.ends_of("by"):
        if _DONE_BY.search(text[max(0, end - 20) : end + 1]):
            yield from _unless_common(_FULL_NAME.match(text, end + 1))
    for match in _INITIAL_AND_WORD.finditer(text):
        start = match.start() - 1
        before = text[max(0, start - 24) : start]
        if not has_common(match.group()) and _ROLE_BEFORE.search(before):
            yield start, match.end()
    for word in source.present(_PROVIDER_WORDS):
        for end in source.ends_of(word):
            yield from _unless_common(_COMMA_PAIR.match(text, end))


def _unless_common(match: re.Match[str] | None) -> Iterator[Stretch]:
    if match and not has_common(match["name"]):
        yield match.span("name")


def _in_lines(source: Source) -> Iterator[Stretch]:
    """Names that are a line of their own: a signature, a heading over the date of birth."""
    text = source.text
    if not source.words.isdisjoint(_CLOSING_WORDS):
        for closing in _CLOSING.finditer(text):
            yield from _unless_common(closing)
    for start, pattern in _standing_lines(source):
        end = text.find("\n", start)
        yield from _unless_common(pattern.match(text, start, len(text) if end < 0 else end))


def _standing_lines(source: Source) -> Iterator[tuple[int, re.Pattern[str]]]:
    """Where the lines start that may be a signature, or a name over a birth date or number."""
    text, lower = source.text, source.lower
    for sign in _DASHES:
        position = text.find(sign)
        while position >= 0:
            yield position + 1, _DASHED
            position = text.find(sign, position + 1)
    for sign in _UNDER_HEADING:
        position = lower.find(sign)
        while position >= 0:
            yield text.rfind("\n", 0, position) + 1, _HEADING
            position = lower.find(sign, position + 1)


def _repeated(source: Source, announced: set[Stretch]) -> Iterator[Span]:
    """Other mentions of an announced surname, spelt the same, unless it is also a word."""
    text = source.text
    surnames = {
        word
        for start, end in announced
        for word in _NAME_WORD.findall(text[start:end])
        if word[0].isupper() and not is_common(word) and word.lower() not in EPONYMS
    }
    for surname in surnames:
        small = surname.lower()
        stretches = [(end - len(small), end) for end in source.ends_of(small)]
        if any(text[start:end] == small for start, end in stretches):
            continue
        for start, end in stretches:
            if text[start:end] in (surname, surname.capitalize(), surname.upper()):
                yield Span(*_with_given_name(source, start, end), "name", "[NAME]")


def _with_given_name(source: Source, start: int, end: int) -> Stretch:
    text = source.text
    given = _GIVEN_BEFORE.search(text[max(0, start - 24) : start])
    is_name = given and not has_common(given.group())
    if given and is_name and given.group().strip().lower() not in source.words_as_written:
        start -= len(given.group())
    after = _GIVEN_AFTER.match(text, end)
    return start, after.end() if after else end
