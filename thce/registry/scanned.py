"""A note as the rules see it: its sentences, and where each class of phrase was found in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from thce.registry.lexicon import Lexicon, scan
from thce.registry.sections import Sentence, sentences

CUE_PREFIX = "cue:"
_CLAUSE_MARKS = ("stop:turn", "stop:verbal")


class Spot(NamedTuple):
    """A hit of one class, placed in its sentence."""

    sentence: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ScannedNote:
    """What one pass over a note found.

    Attributes:
        text: the note.
        sentences: in order.
        spots: class -> its hits in order of position; a class without hits is absent.
        cues: sentence -> the context cues inside it, each with its place.
    """

    text: str
    sentences: list[Sentence]
    spots: dict[str, list[Spot]]
    cues: dict[int, list[tuple[str, Spot]]]

    def has(self, classes: frozenset[str]) -> bool:
        """Whether any of the classes occurs anywhere in the note."""
        return not classes.isdisjoint(self.spots)

    def holds(self, classes: frozenset[str], sentence: int) -> bool:
        """Whether any of the classes occurs inside one sentence."""
        return next(self.within(classes, sentence), None) is not None

    def within(self, classes: frozenset[str], sentence: int) -> Iterator[Spot]:
        """The hits of any of the classes inside one sentence."""
        for name in classes:
            for spot in self.spots.get(name, ()):
                if spot.sentence == sentence:
                    yield spot


def scan_note(text: str, lexicon: Lexicon) -> ScannedNote:
    """Scans a note once and places every hit in its sentence; hits across two are dropped.

    A note without any head of a rule is not cut into sentences: nothing can be said of it.
    """
    hits = scan(text, lexicon)
    if lexicon.openers.isdisjoint(name for hit in hits for name in hit.classes):
        return ScannedNote(text, [], {}, {})
    parts = sentences(text)
    spots: dict[str, list[Spot]] = {}
    index, last = 0, len(parts) - 1
    for hit in hits:
        while index < last and parts[index].end <= hit.start:
            index += 1
        if not parts[index].start <= hit.start <= hit.end <= parts[index].end:
            continue
        spot = Spot(index, hit.start, hit.end)
        for name in hit.classes:
            spots.setdefault(name, []).append(spot)
    note = ScannedNote(text, parts, spots, {})
    _swallow(note, lexicon)
    _compose(note, lexicon)
    _swallow(note, lexicon)
    _overrule(note, lexicon)
    for name, found in spots.items():
        if name.startswith(CUE_PREFIX):
            for place in found:
                note.cues.setdefault(place.sentence, []).append((name, place))
    return note


def _compose(note: ScannedNote, lexicon: Lexicon) -> None:
    """Adds the classes that consist of two others in sequence."""
    spots = note.spots
    for name, first, then, gap, tight in lexicon.sequences:
        if first not in spots or then not in spots:
            continue
        for left in spots[first]:
            for right in spots[then]:
                if right.sentence != left.sentence or not 0 <= right.start - left.end <= gap:
                    continue
                if not (tight and _broken(note, left.end, right.start)):
                    spots.setdefault(name, []).append(Spot(left.sentence, left.start, right.end))
                break


def _overrule(note: ScannedNote, lexicon: Lexicon) -> None:
    """Drops scenes that the note as a whole belies."""
    for scene, by, unless in lexicon.overrules:
        if note.has(by) and not note.has(unless):
            note.spots.pop(scene, None)


def _broken(note: ScannedNote, start: int, end: int) -> bool:
    """Whether a verb or a conjunction stands between two offsets."""
    return any(
        start <= spot.start and spot.end <= end
        for name in _CLAUSE_MARKS
        for spot in note.spots.get(name, ())
    )


def _swallow(note: ScannedNote, lexicon: Lexicon) -> None:
    """Drops hits that lie inside a hit of a more specific class."""
    for outer, inner_classes in lexicon.subsumes.items():
        for cover in note.spots.get(outer, ()):
            for inner in _swallowed(note, inner_classes):
                kept = [
                    spot
                    for spot in note.spots[inner]
                    if spot.start < cover.start or spot.end > cover.end
                ]
                if kept:
                    note.spots[inner] = kept
                else:
                    del note.spots[inner]


def _swallowed(note: ScannedNote, classes: frozenset[str]) -> list[str]:
    if "*" in classes:
        return [name for name in note.spots if name.startswith(CUE_PREFIX)]
    return [name for name in classes if name in note.spots]
