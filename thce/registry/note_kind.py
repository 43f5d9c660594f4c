"""What kind of note a text is, which decides what its words and its silence may mean.

Only in a procedure note does silence mean that a procedure was not done. The account of a stay
(discharge summary, emergency course) tells of what was done during it. In any other note (clinic,
consult, imaging, board) procedures are mostly told of the past or planned.
"""

from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import ahocorasick

from thce.registry.lexicon import expand, normalise
from thce.registry.lexicon_files import read_lexicon_file


class NoteKind(StrEnum):
    """Procedure note, account of a stay, or another note."""

    PROCEDURE = "procedure"
    STAY = "stay"
    OTHER = "other"


class _Tables(NamedTuple):
    opening: Any
    within: dict[NoteKind, int]
    stay: Any
    body: Any
    threshold: int


def note_kind(text: str) -> NoteKind:
    """The kind of a note by its opening and, failing that, by phrases throughout it."""
    tables = _tables()
    normal, _ = normalise(text)
    opening = normal[: max(tables.within.values())]
    opened = {kind for end, kind in tables.opening.iter(opening) if end < tables.within[kind]}
    for kind in NoteKind:
        if kind in opened:
            return kind
    if next(tables.stay.iter(normal), None) is not None:
        return NoteKind.STAY
    found = dict(value for _, value in tables.body.iter(normal))
    return NoteKind.PROCEDURE if sum(found.values()) >= tables.threshold else NoteKind.OTHER


@cache
def _tables() -> _Tables:
    data = read_lexicon_file("note_kinds.yaml")
    return _Tables(
        opening=_automaton(
            {
                phrase: NoteKind(kind)
                for kind, patterns in data["opening"].items()
                for phrase in _all(patterns)
            }
        ),
        within={NoteKind(kind): length for kind, length in data["within"].items()},
        stay=_automaton(dict.fromkeys(_all(data["stay"]), NoteKind.STAY)),
        body=_automaton(
            {
                phrase: (phrase, int(weight))
                for weight, patterns in data["body"].items()
                for phrase in _all(patterns)
            }
        ),
        threshold=data["threshold"],
    )


def _all(patterns: list[str]) -> list[str]:
    return [phrase for pattern in patterns for phrase in expand(pattern)]


def _automaton(values: dict[str, Any]) -> Any:
    automaton = ahocorasick.Automaton()
    for phrase, value in values.items():
        key = f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} "
        automaton.add_word(key, value)
    automaton.make_automaton()
    return automaton
