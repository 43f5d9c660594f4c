"""Near misses: for a code that is not billable, the billable ones that were probably meant.

Each source of candidates knows one way to go wrong and says so. They are asked in the order of
how certain they are; a code is suggested once, with its first reason.
"""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, pairwise
from string import ascii_uppercase, digits

import numpy as np

from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType, normalise, well_formed

PLACEHOLDER = "X"
LOOK_ALIKE = frozenset(
    frozenset(pair) for pair in ("O0", "I1", "L1", "Z2", "S5", "B8", "G6", "Q0", "D0", "UV")
)
LONGEST_TYPED = 20
SIDES = ("right", "left", "bilateral", "unspecified")


@dataclass(frozen=True)
class Suggestion:
    """A billable code near the one that was given, and what is between them."""

    code: str
    description: str
    reason: str


class Neighbourhood:
    """The billable codes of a catalogue on a date, asked for those near a code."""

    def __init__(self, catalogue: Catalogue, date: datetime.date | None) -> None:
        self._catalogue = catalogue
        self._billable = catalogue.billable_rows(date)

    def near(self, typed: str) -> Iterator[tuple[str, str]]:
        """Codes and reasons, the likeliest first; the same code may come twice."""
        code = normalise(typed, self._catalogue.code_type)[:LONGEST_TYPED]
        yield from self._tidied(code)
        known = self._catalogue.get(code)
        if known is not None:
            yield from self._below(code, known.kind)
            if known.kind in ("retired", "code"):
                yield from self._same_meaning(known.description, code)
        elif self._catalogue.code_type is CodeType.ICD10:
            yield from self._filled(code)
            yield from self._other_ending(code)
        yield from self._one_edit(code)
        if known is None and self._catalogue.code_type is CodeType.ICD10:
            yield from self._longest_beginning(code)

    def _allowed(self, code: str) -> bool:
        row = self._catalogue.row(code)
        return row >= 0 and bool(self._billable[row])

    def _tidied(self, code: str) -> Iterator[tuple[str, str]]:
        """Without what does not belong: other punctuation, a modifier, a stray dot."""
        kind = self._catalogue.code_type
        stem, hyphen, modifier = code.partition("-")
        if hyphen and kind is not CodeType.ICD10 and self._allowed(stem):
            yield stem, f"a modifier ({modifier}) has a field of its own"
        plain = normalise("".join(filter(str.isalnum, code)), kind)
        if plain != code and well_formed(plain, kind) and self._allowed(plain):
            yield plain, "written with other punctuation"

    def _below(self, code: str, kind: str) -> Iterator[tuple[str, str]]:
        """Billable codes under one that is not, those that say least beyond it first.

        Of seventh characters the initial encounter (A) comes before the rest.
        """
        tables, index = self._catalogue.tables, self._catalogue.index
        if kind in ("code", "retired"):
            return
        rows = self._descendants(self._catalogue.row(code))
        masses = np.full(len(tables.codes), np.inf, np.float32)
        np.minimum.at(masses, index.rows, index.masses)
        reason = f"{code} is a {kind}; the claim needs one of the {len(rows)} codes below it"
        codes = {row: self._catalogue.code_at(row) for row in rows}
        later = {row: len(code) == 8 and code[-1] != "A" for row, code in codes.items()}
        for row in sorted(rows, key=lambda row: (later[row], masses[row], row)):
            yield codes[row], reason

    def _descendants(self, row: int) -> list[int]:
        parents = self._catalogue.tables.parents
        found, level = [], np.array([row])
        while len(level):
            found.extend(level[self._billable[level]].tolist())
            level = np.flatnonzero(np.isin(parents, level))
        return found

    def _same_meaning(self, description: str, code: str) -> Iterator[tuple[str, str]]:
        """For a code that is no longer in force: those whose wording is nearest."""
        for hit in self._catalogue.searcher.search(description, 10, self._billable):
            yield self._catalogue.code_at(hit.row), f"nearest in meaning to {code}"

    def _filled(self, code: str) -> Iterator[tuple[str, str]]:
        """With the placeholders X that stand before a seventh character."""
        letters = code.replace(".", "")
        if 3 < len(letters) < 7:
            filled = letters[:-1] + PLACEHOLDER * (7 - len(letters)) + letters[-1]
            candidate = normalise(filled, CodeType.ICD10)
            if self._allowed(candidate):
                yield candidate, "the seventh character needs placeholders X before it"

    def _other_ending(self, code: str) -> Iterator[tuple[str, str]]:
        """The same code with another last character, where that character is what is wrong."""
        parent = code[:-1].rstrip(".")
        children = self._catalogue.children(parent)
        if not children:
            return
        endings = ", ".join(child[-1] for child in children)
        seventh = len(code) == 8
        what = "seventh character" if seventh else "last character"
        names = [self._description(child).lower() for child in children]
        if not seventh and any("right" in a and "left" in b for a, b in pairwise(names)):
            what = "laterality"
        for child in children:
            if self._allowed(child):
                yield child, f"{what} of {parent} must be one of {endings}"

    def _one_edit(self, code: str) -> Iterator[tuple[str, str]]:
        """Codes one slip of the finger away."""
        letters = code.replace(".", "")
        kind = self._catalogue.code_type
        for changed, reason in _edits(letters):
            candidate = normalise(changed, kind)
            if self._allowed(candidate):
                yield candidate, reason

    def _longest_beginning(self, code: str) -> Iterator[tuple[str, str]]:
        """What the code begins with, if that exists: it, or what is below it."""
        for length in range(len(code) - 1, 2, -1):
            beginning = code[:length].rstrip(".")
            if self._allowed(beginning):
                yield beginning, f"{beginning} is complete without {code[length:]!r}"
                return
            known = self._catalogue.get(beginning)
            if known is not None:
                yield from self._below(known.code, known.kind)
                return

    def _description(self, code: str) -> str:
        return self._catalogue.tables.descriptions[self._catalogue.row(code)]


def suggest(
    catalogue: Catalogue, typed: str, count: int, date: datetime.date | None
) -> list[Suggestion]:
    """Billable codes near a given one, the likeliest first; see `Catalogue.suggest`."""
    neighbourhood = Neighbourhood(catalogue, date)
    own = normalise(typed, catalogue.code_type)
    reasons: dict[str, str] = {}
    for code, reason in neighbourhood.near(typed):
        if code != own:
            reasons.setdefault(code, reason)
        if len(reasons) == count:
            break
    return [
        Suggestion(code, catalogue.tables.descriptions[catalogue.row(code)], reason)
        for code, reason in islice(reasons.items(), count)
    ]


def _edits(letters: str) -> Iterator[tuple[str, str]]:
    """Every string one edit away, the commonest slips first."""
    alphabet = digits + ascii_uppercase
    for i, (left, right) in enumerate(pairwise(letters)):
        yield letters[:i] + right + left + letters[i + 2 :], f"{left} and {right} are swapped"
    replaced = [
        (letters[:i] + new + letters[i + 1 :], old, new)
        for i, old in reversed(list(enumerate(letters)))
        for new in alphabet
        if new != old
    ]
    for candidate, old, new in replaced:
        if frozenset(old + new) in LOOK_ALIKE:
            yield candidate, f"{new} was read as {old}"
    for i in reversed(range(len(letters))):
        yield letters[:i] + letters[i + 1 :], f"{letters[i]} is one character too many"
    for candidate, old, new in replaced:
        yield candidate, f"{new} instead of {old}"
    for i in reversed(range(len(letters) + 1)):
        for new in alphabet:
            yield letters[:i] + new + letters[i:], f"{new} is missing"
