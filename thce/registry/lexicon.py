"""The vocabulary of the keyword rules, compiled into one Aho-Corasick scan.

Terms, context cues and rules are data (`thce/registry/data/*.yaml`). Every phrase of every class
goes into one automaton (Aho and Corasick 1975), so that a note is read once whatever the number of
phrases; rules and cues then look only at what the scan found. Matching is on whole words of the
text in lower case, with every run of punctuation and white space counted as one space.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import ahocorasick
import numpy as np

from thce.registry.headers import Section
from thce.registry.labels import Flag, parse_flag
from thce.registry.lexicon_files import read_lexicon_file

TERM_FILES = ("terms_general.yaml", "terms_airway.yaml", "terms_pleura.yaml")

_ALTERNATIVES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)\Z")


class Hit(NamedTuple):
    """A phrase found in the text: character offsets and the classes that it belongs to."""

    start: int
    end: int
    classes: tuple[str, ...]


class Sequence(NamedTuple):
    """A class made of two others: `first`, then `then` at most `gap` characters later.

    A tight sequence is a noun phrase: no verb and no conjunction stands between its parts.
    """

    name: str
    first: str
    then: str
    gap: int
    tight: bool


class Overrule(NamedTuple):
    """A scene that does not hold where one of `by` occurs and none of `unless` does."""

    scene: str
    by: frozenset[str]
    unless: frozenset[str]


@dataclass(frozen=True, slots=True)
class Cue:
    """A context cue: what it turns a mention into, and how far it reaches (see `cues.yaml`)."""

    name: str
    assertion: str
    before: bool
    after: bool
    reach: int
    comma: str
    stops: frozenset[str]
    kinds: frozenset[str] | None
    single: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """What counts as a mention of a flag (see `rules.yaml`)."""

    flag: Flag
    head: str
    strength: str
    together: tuple[frozenset[str], ...]
    within: int
    near: frozenset[str]
    scene: tuple[frozenset[str], ...]
    excluded: frozenset[str]
    excluded_near: frozenset[str]
    excluded_title: frozenset[str]
    excluded_scene: frozenset[str]
    sections: frozenset[Section]
    yields: frozenset[Flag]


@dataclass(frozen=True)
class Lexicon:
    """Everything the keyword rules know.

    Attributes:
        automaton: phrase -> classes, over text normalised by `normalise`.
        cues: by class name.
        rules: in file order.
        heads: the classes whose hits can be mentions.
        openers: heads, and the first parts of those that are sequences: without one of them in a
            text there is no mention.
        sequences: classes composed of two others.
        subsumes: class -> classes whose hits it swallows when they lie inside it.
        overrules: scenes that other classes undo.
        phrases: phrases as written to the automaton, by class.
    """

    automaton: Any
    cues: dict[str, Cue]
    rules: tuple[Rule, ...]
    heads: frozenset[str]
    openers: frozenset[str]
    sequences: tuple[Sequence, ...]
    subsumes: dict[str, frozenset[str]]
    overrules: tuple[Overrule, ...]
    phrases: dict[str, tuple[str, ...]]


def expand(pattern: str) -> Iterator[str]:
    """The phrases that a pattern writes out: `{a,b}` alternatives, `{1..3}` ranges of numbers."""
    parts = _ALTERNATIVES.split(pattern)
    choices = [
        _choices(part) if odd else [part] for part, odd in zip(parts, itertools.cycle((0, 1)))
    ]
    for combination in itertools.product(*choices):
        yield " ".join("".join(combination).split())


def _choices(part: str) -> list[str]:
    numbers = _RANGE.match(part)
    if numbers:
        return [str(number) for number in range(int(numbers[1]), int(numbers[2]) + 1)]
    return part.split(",")


def _byte_table() -> bytes:
    """Latin-1 to lower-case letters, digits and spaces, one byte each, so that offsets stay."""
    table = bytearray(b" " * 256)
    for code in range(256):
        lowered = chr(code).lower()
        if lowered.isalnum() and len(lowered) == 1:
            table[code] = ord(lowered) if ord(lowered) < 256 else ord(" ")
    return bytes(table)


_TABLE = _byte_table()
_SPACE = 32


@lru_cache(maxsize=1)
def normalise(text: str) -> tuple[str, Any]:
    """Lower-case words with single spaces, framed by spaces, and where each character came from.

    Returns:
        The text to scan and, for each of its characters, the offset in `text`.
    """
    raw = np.frombuffer(b" " + text.encode("latin-1", "replace").translate(_TABLE) + b" ", np.uint8)
    space = raw == _SPACE
    keep = np.ones(len(raw), dtype=bool)
    keep[1:] = ~(space[1:] & space[:-1])
    return raw[keep].tobytes().decode("latin-1"), np.flatnonzero(keep) - 1


def scan(text: str, lexicon: Lexicon) -> list[Hit]:
    """Every phrase of the lexicon in the text, in order of position."""
    normal, offsets = normalise(text)
    origin = offsets.tolist()
    hits = []
    for last, (length, whole, classes) in lexicon.automaton.iter(normal):
        end = last if whole else normal.find(" ", last + 1)
        hits.append(Hit(origin[last - length + 2], origin[end - 1] + 1, classes))
    hits.sort()
    return hits


@cache
def load_lexicon() -> Lexicon:
    """The shipped lexicon, compiled; the same object at every call."""
    terms = _merged(read_lexicon_file(name) for name in TERM_FILES)
    cue_file = read_lexicon_file("cues.yaml")
    classes: dict[str, Iterable[str]] = dict(terms["classes"])
    classes |= {f"stop:{name}": patterns for name, patterns in cue_file["stops"].items()}
    classes |= {f"cue:{name}": cue["phrases"] for name, cue in cue_file["cues"].items()}
    phrases = {
        name: tuple(dict.fromkeys(p for pattern in patterns for p in expand(str(pattern))))
        for name, patterns in classes.items()
    }
    counts_for: dict[str, list[str]] = {}
    for union, members in terms["unions"].items():
        for member in members:
            counts_for.setdefault(member, []).append(union)
    rules = tuple(_rules(read_lexicon_file("rules.yaml")))
    heads = frozenset(rule.head for rule in rules)
    sequences = tuple(
        Sequence(name, first, then, gap, tight=bool(rest))
        for name, pairs in terms["sequences"].items()
        for first, then, gap, *rest in pairs
    )
    return Lexicon(
        automaton=_automaton(phrases, counts_for),
        cues={f"cue:{name}": _cue(name, cue) for name, cue in cue_file["cues"].items()},
        rules=rules,
        heads=heads,
        openers=heads | {sequence.first for sequence in sequences if sequence.name in heads},
        sequences=sequences,
        subsumes={name: frozenset(inner) for name, inner in terms["subsumes"].items()},
        overrules=tuple(
            Overrule(scene, frozenset(rule["by"]), frozenset(rule["unless"]))
            for scene, rule in terms["overruled"].items()
        ),
        phrases=phrases,
    )


def _merged(files: Iterable[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The term files as one; each class, union, sequence and cover is defined in one of them."""
    merged: dict[str, dict[str, Any]] = {}
    for data in files:
        for part, entries in data.items():
            merged[part] = merged.get(part, {}) | entries
    return merged


def _automaton(phrases: dict[str, tuple[str, ...]], counts_for: dict[str, list[str]]) -> Any:
    by_key: dict[str, list[str]] = {}
    for name, items in phrases.items():
        for phrase in items:
            key = f" {phrase[:-1]}" if phrase.endswith("*") else f" {phrase} "
            by_key.setdefault(key, []).extend([name, *counts_for.get(name, ())])
    automaton = ahocorasick.Automaton()
    for key, names in by_key.items():
        automaton.add_word(key, (len(key), key.endswith(" "), tuple(dict.fromkeys(names))))
    automaton.make_automaton()
    return automaton


def _cue(name: str, data: dict[str, Any]) -> Cue:
    return Cue(
        name=name,
        assertion=data["assertion"],
        before=data["direction"] in ("before", "both"),
        after=data["direction"] in ("after", "both"),
        reach=data["reach"],
        comma=data["comma"],
        stops=frozenset(f"stop:{stop}" for stop in data["stops"]),
        kinds=frozenset(data["kinds"]) if "kinds" in data else None,
        single=data.get("single", False),
    )


def _rules(data: dict[str, list[dict[str, Any]]]) -> Iterator[Rule]:
    for name, entries in data.items():
        for entry in entries:
            yield Rule(
                flag=parse_flag(name),
                head=entry["head"],
                strength=entry["strength"],
                together=tuple(frozenset(group.split("|")) for group in entry.get("with", ())),
                within=entry.get("within", 110),
                near=frozenset(entry.get("near", ())),
                scene=tuple(frozenset(group.split("|")) for group in entry.get("scene", ())),
                excluded=frozenset(entry.get("not", ())),
                excluded_near=frozenset(entry.get("not_near", ())),
                excluded_title=frozenset(entry.get("not_title", ())),
                excluded_scene=frozenset(entry.get("not_scene", ())),
                sections=frozenset(Section(section) for section in entry.get("sections", ())),
                yields=frozenset(parse_flag(other) for other in entry.get("yields", ())),
            )
