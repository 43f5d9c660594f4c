"""Mentions of registry procedures in a note: proposed by the rules, each with its assertion."""

from typing import NamedTuple

from thce.registry.context import Assertion, assess
from thce.registry.headers import Section
from thce.registry.labels import Flag
from thce.registry.lexicon import Lexicon, Rule
from thce.registry.note_kind import NoteKind
from thce.registry.scanned import ScannedNote, Spot

ACT, NAMED, BARE, CLUE = 0.60, 0.50, 0.45, 0.40
"""Confidence of a true cell: an act described, a name in a list of procedures done, a name alone,
indirect signs. None reaches the confidence of a code."""

DENIED, SILENT = 0.50, 0.30
"""Confidence of a false cell: explicitly negated, or not mentioned as performed."""


class Mention(NamedTuple):
    """One mention of a flag's procedure.

    Attributes:
        flag: the flag.
        start: offset of its first character in the text.
        end: offset past its last character.
        assertion: what is asserted of it.
        confidence: how much it supports a true cell (affirmed) or a false one, 0 to 0.60.
    """

    flag: Flag
    start: int
    end: int
    assertion: Assertion
    confidence: float


class _Status(NamedTuple):
    """What the context says of one place, whatever rule found it."""

    assertion: Assertion
    near_verb: bool
    has_verb: bool
    is_now: bool


class Candidate(NamedTuple):
    """A mention with what the note-level decision needs to know of it.

    Attributes:
        mention: the mention.
        section: where it stands.
        is_act: whether its rule describes the procedure being done, not only its name.
        has_verb: whether a verb or a count says that it was done.
        is_now: whether its sentence says "today" or "by me".
        yields: flags that explain it away where they are found.
    """

    mention: Mention
    section: Section
    is_act: bool
    has_verb: bool
    is_now: bool
    yields: frozenset[Flag]


_NEAR_VERB = 90
_VERBS = frozenset({"performed"})
_TELLS = frozenset({"performed", "counted"})
_NOW = frozenset({"now_words"})
_NAMING = frozenset({Section.HEADING, Section.TITLE})


def find_candidates(note: ScannedNote, lexicon: Lexicon, kind: NoteKind) -> list[Candidate]:
    """Mentions proposed by the rules, in order of position; the strongest where some overlap."""
    heads = _heads_by_sentence(note, lexicon)
    found: list[Candidate] = []
    known: dict[Spot, _Status] = {}
    for rule in lexicon.rules:
        if rule.head not in note.spots or not _scene_fits(note, rule):
            continue
        for spot in note.spots[rule.head]:
            if _fits(note, rule, spot):
                if spot not in known:
                    context = heads.get(spot.sentence, [])
                    known[spot] = _status(note, lexicon, spot, context, kind)
                found.append(_candidate(note, rule, spot, known[spot]))
    found.sort(key=lambda c: (-c.mention.confidence, c.mention.start - c.mention.end))
    kept: dict[Flag, list[Candidate]] = {}
    for candidate in found:
        rivals = kept.setdefault(candidate.mention.flag, [])
        if not any(_overlap(candidate.mention, rival.mention) for rival in rivals):
            rivals.append(candidate)
    chosen = [candidate for rivals in kept.values() for candidate in rivals]
    return sorted(chosen, key=lambda c: (c.mention.start, c.mention.end))


def _overlap(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end


def _heads_by_sentence(note: ScannedNote, lexicon: Lexicon) -> dict[int, list[Spot]]:
    heads: dict[int, list[Spot]] = {}
    for name in lexicon.heads:
        for spot in note.spots.get(name, ()):
            heads.setdefault(spot.sentence, []).append(spot)
    return heads


def _scene_fits(note: ScannedNote, rule: Rule) -> bool:
    """Whether the rule's demands on the note as a whole hold."""
    if not all(note.has(group) for group in rule.scene) or note.has(rule.excluded_scene):
        return False
    return not any(
        note.sentences[spot.sentence].section in _NAMING
        for name in rule.excluded_title
        for spot in note.spots.get(name, ())
    )


def _fits(note: ScannedNote, rule: Rule, head: Spot) -> bool:
    """Whether the rule's demands on the sentence and its neighbours hold around its head."""
    sentence = head.sentence
    if rule.sections and note.sentences[sentence].section not in rule.sections:
        return False
    if note.holds(rule.excluded, sentence):
        return False
    for group in rule.together:
        if not any(_gap(head, other) <= rule.within for other in note.within(group, sentence)):
            return False
    around = (sentence, sentence - 1, sentence + 1)
    if any(note.holds(rule.excluded_near, index) for index in around):
        return False
    return not rule.near or any(note.holds(rule.near, index) for index in around)


def _gap(head: Spot, other: Spot) -> int:
    """Characters between two hits; more than any limit where they share words."""
    if other.start >= head.end:
        return other.start - head.end
    if other.end <= head.start:
        return head.start - other.end
    return 10_000


def _status(
    note: ScannedNote, lexicon: Lexicon, spot: Spot, heads: list[Spot], kind: NoteKind
) -> _Status:
    verbs = [v for v in note.within(_VERBS, spot.sentence) if _gap(spot, v) <= _NEAR_VERB]
    has_verb = any(
        spot.start - _NEAR_VERB <= verb.start <= spot.end + _NEAR_VERB
        for verb in note.within(_TELLS, spot.sentence)
    )
    return _Status(
        assertion=assess(note, lexicon, spot, verbs, heads, kind),
        near_verb=bool(verbs),
        has_verb=has_verb,
        is_now=note.holds(_NOW, spot.sentence),
    )


def _candidate(note: ScannedNote, rule: Rule, spot: Spot, status: _Status) -> Candidate:
    section = note.sentences[spot.sentence].section
    assertion = status.assertion
    is_act = rule.strength == "act"
    told = is_act or status.near_verb
    if assertion is Assertion.AFFIRMED and section is Section.IMPRESSION and not told:
        assertion = Assertion.OTHER
    confidence = {
        Assertion.AFFIRMED: _confidence(rule, section, status.has_verb),
        Assertion.NEGATED: DENIED,
    }.get(assertion, SILENT)
    return Candidate(
        mention=Mention(rule.flag, spot.start, spot.end, assertion, confidence),
        section=section,
        is_act=is_act,
        has_verb=status.has_verb,
        is_now=status.is_now,
        yields=rule.yields,
    )


def _confidence(rule: Rule, section: Section, has_verb: bool) -> float:
    if rule.strength == "clue":
        return CLUE
    if section in _NAMING:
        return NAMED
    if rule.strength == "act" or has_verb:
        return ACT
    return NAMED if section is Section.SPECIMEN else BARE
