"""Concepts: billable codes that share a core and differ only in side, encounter and their like.

Retrieval looks for concepts, so that the hundred codes of one fracture do not crowd out all else;
which of a concept's codes is meant is decided afterwards, axis by axis. Of CPT and HCPCS every
code is a concept of its own.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from thce.coder.axes import UNSPECIFIED, Axes, split_description, tidy
from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType
from thce.codes.tables import KINDS
from thce.codes.words import index_words

NAMES = ("inclusion_terms", "includes")
_UNSPECIFIED = re.compile(r"\bunspecified\b", re.IGNORECASE)
# "Bilateral" stands without the organ where "right" and "left" stand with it.
_UNTOLD = frozenset(["unilateral", "eye", "ear"])
_TOP = (KINDS.index("chapter"), KINDS.index("block"))


_Key = tuple[str, frozenset[str]]
_Member = tuple[int, str, Axes]


@dataclass(frozen=True)
class Concept:
    """Codes with one core.

    Attributes:
        name: the core in its own wording.
        terms: its official names, the core first, then inclusion terms of the codes and of those
            above them up to the category.
        rows: catalogue rows of its billable codes.
        axes: where each of these stands.
        category: the three characters that they share; the code itself where it has no tree.
    """

    name: str
    terms: tuple[str, ...]
    rows: tuple[int, ...]
    axes: tuple[Axes, ...]
    category: str


LeaveOut = Callable[[str], bool]


def build_concepts(catalogue: Catalogue, leave_out: LeaveOut | None = None) -> list[Concept]:
    """All concepts over the billable codes, in the order of their first code.

    Args:
        catalogue: whose codes.
        leave_out: inclusion terms, as printed, that must not be among the names.
    """
    rows = np.flatnonzero(catalogue.current).tolist()
    if catalogue.code_type is not CodeType.ICD10:
        return [_single(catalogue, row) for row in rows]
    return _grouped(catalogue, rows, leave_out)


def _single(catalogue: Catalogue, row: int) -> Concept:
    description = catalogue.tables.descriptions[row]
    terms = tuple(dict.fromkeys(official_names(catalogue, row)))
    code = catalogue.code_at(row)
    return Concept(description, terms, (row,), (Axes(),), code)


def _grouped(
    catalogue: Catalogue, rows: Sequence[int], leave_out: LeaveOut | None
) -> list[Concept]:
    split: list[tuple[int, _Key, str, Axes]] = []
    sided: set[_Key] = set()
    for row in rows:
        core, axes = split_description(catalogue.tables.descriptions[row])
        key = _key(catalogue.code_at(row)[:3], core)
        split.append((row, key, core, axes))
        if axes.side:
            sided.add(key)
    groups: dict[_Key, list[_Member]] = defaultdict(list)
    for row, key, core, axes in split:
        if not axes.side and (bare := _without_side(key[0], core, sided)):
            core, key, axes = bare, _key(key[0], bare), replace(axes, side=UNSPECIFIED)
        groups[key].append((row, core, axes))
    inherited = _InheritedNames(catalogue, leave_out)
    return [
        Concept(
            name=members[0][1],
            terms=tuple(dict.fromkeys([members[0][1], *inherited.of(members)])),
            rows=tuple(row for row, _, _ in members),
            axes=tuple(axes for _, _, axes in members),
            category=category,
        )
        for (category, _), members in groups.items()
    ]


def _key(category: str, core: str) -> _Key:
    """What makes two cores one: their words, in any order and number."""
    return category, frozenset(index_words(core)) - _UNTOLD


def _without_side(category: str, core: str, sided: set[_Key]) -> str:
    """ "Pain in unspecified knee" leaves a side open, since pain in right knee exists."""
    for found in _UNSPECIFIED.finditer(core):
        without = tidy(core[: found.start()] + core[found.end() :])
        for bare in (without, tidy(without.removesuffix(" side"))):
            if _key(category, bare) in sided:
                return bare
    return ""


class _InheritedNames:
    """Inclusion terms of codes and of what stands above them, each read once."""

    def __init__(self, catalogue: Catalogue, leave_out: LeaveOut | None) -> None:
        self._catalogue = catalogue
        self._leave_out = leave_out
        self._known: dict[int, tuple[str, ...]] = {}

    def of(self, members: Sequence[_Member]) -> Iterator[str]:
        """Names of a concept's codes, the nearest first, without the axes.

        A name of a code above is given what the concept's own core says beyond that code's.
        """
        core = members[0][1]
        seen: set[int] = set()
        for row, _, _ in members:
            above = row
            while above >= 0 and above not in seen:
                if self._catalogue.tables.kinds[above] in _TOP:
                    break
                seen.add(above)
                yield from self._with_own_words(core, above, below=above != row)
                above = int(self._catalogue.tables.parents[above])

    def _with_own_words(self, core: str, above: int, below: bool) -> Iterator[str]:
        names = self._own(above)
        added = self._added(core, above) if below and names else ""
        for name in names:
            yield f"{name}, {added}" if added else name

    def _added(self, core: str, above: int) -> str:
        known = set(index_words(self._catalogue.tables.descriptions[above]))
        words = [word for word in core.split() if not known.issuperset(index_words(word))]
        return tidy(" ".join(words))

    def _own(self, row: int) -> tuple[str, ...]:
        if row not in self._known:
            names = _names(self._catalogue, row)
            if self._leave_out is not None:
                names = [name for name in names if not self._leave_out(name)]
            self._known[row] = tuple(split_description(name)[0] for name in names)
        return self._known[row]


def official_names(catalogue: Catalogue, row: int) -> list[str]:
    """The description and the inclusion terms of one row."""
    return [catalogue.tables.descriptions[row], *_names(catalogue, row)]


def _names(catalogue: Catalogue, row: int) -> list[str]:
    notes = json.loads(catalogue.tables.notes[row] or "{}")
    return [name for kind in NAMES for name in notes.get(kind, ())]
