"""What is asserted of a mention: performed, negated, past, planned, hypothetical, or of another.

ConText (Harkema, Dowling, Thornblade and Chapman 2009) with the scopes of NegEx (Chapman 2001):
a cue reaches forwards or backwards inside its sentence until a terminator, a distance or, by its
kind, a comma; enumerations carry a negation on ("no brush, wash or lavage"). Where no cue applies,
the section decides: what stands under PLAN is planned, under HISTORY past.
"""

import re
from enum import StrEnum

from thce.registry.dates import beside_dated_act, is_dated
from thce.registry.form_answers import answer_behind
from thce.registry.headers import Section
from thce.registry.lexicon import Cue, Lexicon
from thce.registry.note_kind import NoteKind
from thce.registry.scanned import ScannedNote, Spot


class Assertion(StrEnum):
    """The status of a mention."""

    AFFIRMED = "affirmed"
    NEGATED = "negated"
    HISTORICAL = "historical"
    PLANNED = "planned"
    HYPOTHETICAL = "hypothetical"
    FAMILY = "family"
    OTHER = "other"  # named, but not as something done: equipment, standby, a diagnosis


PRECEDENCE = (
    Assertion.NEGATED,
    Assertion.FAMILY,
    Assertion.OTHER,
    Assertion.HISTORICAL,
    Assertion.HYPOTHETICAL,
    Assertion.PLANNED,
)
"""Which cue speaks where several do."""

SECTION_ASSERTION = {
    Section.HEADING: Assertion.AFFIRMED,
    Section.TITLE: Assertion.AFFIRMED,
    Section.PROCEDURE: Assertion.AFFIRMED,
    Section.BODY: Assertion.AFFIRMED,
    Section.SPECIMEN: Assertion.AFFIRMED,
    Section.IMPRESSION: Assertion.AFFIRMED,
    Section.ADDENDUM: Assertion.AFFIRMED,
    Section.DIAGNOSIS: Assertion.OTHER,
    Section.EQUIPMENT: Assertion.OTHER,
    Section.OTHER: Assertion.OTHER,
    Section.INDICATION: Assertion.PLANNED,
    Section.PLAN: Assertion.PLANNED,
    Section.HISTORY: Assertion.HISTORICAL,
    Section.CONSENT: Assertion.HYPOTHETICAL,
    Section.FAMILY: Assertion.FAMILY,
    Section.NOT_DONE: Assertion.NEGATED,
}

_LAST_MEMBER = re.compile(r"\b(?:or|nor)\b", re.IGNORECASE)
_ENUMERATION = re.compile(r"\b(?:or|nor)\b|(?<=[a-z ])/(?=[a-z ])", re.IGNORECASE)
_HARD_STOPS = {
    "pass": frozenset(";"),
    "clause": frozenset(";"),
    "stop": frozenset(";:"),
    "list": frozenset(";("),
}
"""Characters between cue and mention that end a scope, by how the cue treats commas."""

_NAMES = frozenset({Section.HEADING, Section.TITLE})
_NOT_NOW = frozenset(
    {Section.PLAN, Section.INDICATION, Section.HISTORY, Section.CONSENT, Section.FAMILY}
)
"""Sections in which a ticked box does not say that something was done."""
_TOLD_NOW = frozenset({"told_now"})
_AT_ONCE = re.compile(
    r"[,(;-]\s*(?:(?:but|and|so|which|that|it|they|this|was|were|had|been|have|has|again|then|ultimately|also|"
    r"however|considered|discussed|therefore|in the end|planned|offered)\b[\s,]*)*",
    re.IGNORECASE,
)
"""What may stand between a comma or bracket and a cue that still speaks of what came before."""

_LIST_GLUE = re.compile(
    r"[\s,/&+()-]*(?:(?:and|or|nor|with|/|the|a|an|\w+)[\s,/&+()-]*){0,3}", re.IGNORECASE
)
_JOINT = re.compile(r",|\s[-\u2013\u2014]\s|\band\b|\bwith\b", re.IGNORECASE)


def assess(
    note: ScannedNote,
    lexicon: Lexicon,
    mention: Spot,
    verbs: list[Spot],
    heads: list[Spot],
    kind: NoteKind,
) -> Assertion:
    """The assertion of one mention.

    Args:
        note: the scanned note.
        lexicon: where the cues come from.
        mention: the mention's place.
        verbs: verbs of performance in its sentence.
        heads: mentions of procedures in its sentence, for enumerations.
        kind: of the note; some cues hold only in one kind.
    """
    sentence = note.sentences[mention.sentence]
    answer = answer_behind(note.text, mention.end)
    if answer is False or sentence.checked is False:
        return Assertion.NEGATED
    found = {
        Assertion(cue.assertion)
        for name, spot in note.cues.get(mention.sentence, ())
        for cue in (lexicon.cues[name],)
        if (cue.kinds is None or kind in cue.kinds)
        and _reaches(note, cue, spot, mention, verbs, heads)
    }
    if note.text[max(0, mention.start - 2) : mention.start].strip(' ("') == "?":
        found.add(Assertion.HYPOTHETICAL)
    if sentence.section not in _NAMES and (
        is_dated(note.text, mention.end)
        or (kind is not NoteKind.STAY and beside_dated_act(note, mention))
    ):
        found.add(Assertion.HISTORICAL)
    for assertion in PRECEDENCE:
        if assertion in found:
            return assertion
    if (sentence.checked and sentence.section not in _NOT_NOW) or answer:
        return Assertion.AFFIRMED
    if sentence.section is Section.PLAN and verbs and note.holds(_TOLD_NOW, mention.sentence):
        return Assertion.AFFIRMED
    return SECTION_ASSERTION[sentence.section]


def _reaches(
    note: ScannedNote, cue: Cue, spot: Spot, mention: Spot, verbs: list[Spot], heads: list[Spot]
) -> bool:
    """Whether a cue's scope holds the mention."""
    if spot.start < mention.start:
        if not cue.before:
            return False
        left, right = min(spot.end, mention.start), mention.start
        if cue.single and _names_another(note, left, right, heads):
            return False
    else:
        if not cue.after or spot.start < mention.end:
            return False
        left, right = mention.end, spot.start
        if _belongs_elsewhere(note, cue, left, right, verbs, heads):
            return False
    gap = note.text[left:right]
    if right - left > cue.reach or not _HARD_STOPS[cue.comma].isdisjoint(gap):
        return False
    for stop in cue.stops:
        for mark in note.spots.get(stop, ()):
            if left <= mark.start and mark.end <= right:
                return False
    if cue.comma == "pass":
        return True
    if cue.comma == "list":
        joined = _JOINT.search(note.text, left, right) is None
        return joined or _is_enumeration(note, left, right, mention, verbs, heads)
    comma = max(note.text.rfind(mark, left, right) for mark in (",", " - ", " \u2013 "))
    if cue.comma == "clause" and comma >= 0:
        own = (comma, len(note.text)) if left == spot.end else (mention.end, comma)
        return not any(own[0] < verb.start < own[1] for verb in verbs)
    return comma < 0


def _names_another(note: ScannedNote, left: int, right: int, heads: list[Spot]) -> bool:
    """Whether a cue has a procedure of its own before the mention: "instead of A, B was done"."""
    between = [head.end for head in heads if left <= head.start and head.end <= right]
    return bool(between) and _JOINT.search(note.text, max(between), right) is None


def _belongs_elsewhere(
    note: ScannedNote, cue: Cue, left: int, right: int, verbs: list[Spot], heads: list[Spot]
) -> bool:
    """Whether a cue further on speaks of something else than the mention before `left`.

    "BAL was done and brushing was not performed" denies only the brushing, while in "BAL and
    brushing were not performed" the words between do no more than join them. Behind a comma or a
    bracket the cue must follow at once: "cryobiopsy, not done" but "biopsy, the patient not ...".
    """
    between = [head.start for head in heads if left <= head.start and head.end <= right]
    if between:
        if note.text.rfind("(", max(between), right) >= 0:
            return True
        own_verb = any(left <= verb.start < min(between) for verb in verbs)
        if own_verb or not _LIST_GLUE.fullmatch(note.text, left, min(between)):
            return True
    joint = max(note.text.rfind(mark, left, right) for mark in ",(")
    if cue.comma != "pass" or joint < 0 or between:
        return False
    return not _AT_ONCE.fullmatch(note.text, joint, right)


def _is_enumeration(
    note: ScannedNote, left: int, right: int, mention: Spot, verbs: list[Spot], heads: list[Spot]
) -> bool:
    """Whether the words between a negation and the mention are members of the same list.

    The list runs on after a comma while each member names a procedure, or an "or" is still to
    come; the member after "or" is its last; a colon opens one.
    """
    last = max(note.text.rfind(mark, left, right) for mark in ",:")
    if last < 0 or note.text[last] == ":" or _ENUMERATION.search(note.text, last, right):
        return True
    if _LAST_MEMBER.search(note.text, left, last):
        return False
    ends = min(mention.end + 60, note.sentences[mention.sentence].end)
    tail = _ENUMERATION.search(note.text, mention.end, ends)
    if tail and not any(mention.end <= verb.start < tail.start() for verb in verbs):
        return True
    start = left
    for joint in _JOINT.finditer(note.text, left, right):
        if not any(start <= head.start < joint.start() for head in heads):
            return False
        start = joint.end()
    return True
