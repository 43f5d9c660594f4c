"""A catalogue: every code of one type, its record, its place in the tree, and what is near it.

Rows are sorted by code. Nothing here knows where the entries came from or where they are cached.
"""

import datetime
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from thce.codes.code_types import CodeType, normalise
from thce.codes.entries import Entry, Source, day_number
from thce.codes.search_index import SearchIndex, build_index
from thce.codes.tables import KINDS, Tables, build_tables, known_dates

if TYPE_CHECKING:
    from thce.codes.bulk import Codes, KeySet
    from thce.codes.search import Searcher
    from thce.codes.suggest import Suggestion


@dataclass(frozen=True)
class Code:
    """A code's record.

    Attributes:
        code: canonical spelling.
        code_type: its catalogue.
        description: what it means.
        kind: chapter, block, category, subcategory, code or retired.
        billable: a claim may carry it, by the catalogue's release.
        parents: codes above it, the nearest first; chapter and block included.
        children: codes directly below it.
        lifetime: absent_before, active_from, active_to, gone_from: ISO dates that are known.
        notes: inclusion_terms, includes, excludes1, excludes2, code_first, use_additional_code...
    """

    code: str
    code_type: CodeType
    description: str
    kind: str
    billable: bool
    parents: tuple[str, ...]
    children: tuple[str, ...]
    lifetime: dict[str, str]
    notes: dict[str, list[str]]


@dataclass(frozen=True)
class Match:
    """A search result."""

    code: str
    description: str
    score: float


class Catalogue:
    """All codes of one type, as of one release."""

    def __init__(self, source: Source, fingerprint: str, tables: Tables, index: SearchIndex):
        self.source = source
        self.fingerprint = fingerprint
        self.tables = tables
        self.index = index
        self._key_sets: dict[datetime.date | None, KeySet] = {}

    @staticmethod
    def of(source: Source, entries: Iterable[Entry], fingerprint: str) -> "Catalogue":
        """Builds tables and index.

        Args:
            source: where the entries come from.
            entries: in any order; codes are distinct.
            fingerprint: hash of what they were read from.
        """
        ordered = sorted(entries, key=lambda entry: entry.code)
        return Catalogue(source, fingerprint, build_tables(ordered), build_index(ordered))

    @property
    def code_type(self) -> CodeType:
        """Which codes."""
        return self.source.code_type

    def __len__(self) -> int:
        return len(self.tables.codes)

    def row(self, code: str) -> int:
        """The row of a code in any spelling, or -1."""
        wanted = normalise(code, self.code_type)
        if not wanted.isascii():
            return -1
        encoded = wanted.encode()
        place = int(np.searchsorted(self.tables.codes, encoded))
        found = place < len(self) and self.tables.codes[place] == encoded
        return place if found else -1

    def get(self, code: str) -> Code | None:
        """The record of a code in any spelling, or None."""
        row = self.row(code)
        if row < 0:
            return None
        tables = self.tables
        return Code(
            self.code_at(row),
            self.code_type,
            tables.descriptions[row],
            KINDS[tables.kinds[row]],
            bool(self.current[row]),
            tuple(self.parents(code)),
            tuple(self.children(code)),
            known_dates(tables.lifetimes[row]),
            json.loads(tables.notes[row] or "{}"),
        )

    def code_at(self, row: int) -> str:
        """The code of a row."""
        return self.tables.codes[row].decode()

    def parents(self, code: str) -> list[str]:
        """The codes above a code, the nearest first; empty for an unknown one."""
        above, row = [], self.row(code)
        while row >= 0 and (row := int(self.tables.parents[row])) >= 0:
            above.append(self.code_at(row))
        return above

    def children(self, code: str) -> list[str]:
        """The codes directly below a code, in their order; retired ones are not among them."""
        row = self.row(code)
        if row < 0:
            return []
        below = self.tables.parents == row
        below &= self.tables.kinds != KINDS.index("retired")
        return [self.code_at(child) for child in np.flatnonzero(below).tolist()]

    def is_billable(self, code: str, date: datetime.date | None = None) -> bool:
        """Whether a claim may carry the code, on a date or by the catalogue's release.

        On a date of which the source knows nothing, a billable code is not refused.
        """
        row = self.row(code)
        return row >= 0 and bool(self.billable_rows(date)[row])

    def active(self, code: str, date: datetime.date) -> bool | None:
        """Whether a reportable code was in force on a date; None where the source cannot say."""
        if not self.is_billable(code, date):
            return False
        _, active_from, active_to, _ = self.tables.lifetimes[self.row(code)].tolist()
        day = day_number(date)
        if not active_from or day < active_from or (active_to and day > active_to):
            return None
        return True

    @cached_property
    def current(self) -> NDArray[np.bool_]:
        """(rows,) billable by the catalogue's own release."""
        return self.billable_rows(datetime.date.fromisoformat(self.source.effective))

    def billable_rows(self, date: datetime.date | None = None) -> NDArray[np.bool_]:
        """(rows,) billable on a date, or by the catalogue's release."""
        if date is None:
            return self.current
        day = day_number(date)
        absent_before, gone_from = self.tables.lifetimes[:, 0], self.tables.lifetimes[:, 3]
        in_force = (day >= absent_before) & ((gone_from == 0) | (day < gone_from))
        return self.tables.reportable & in_force

    def billable_codes(self, date: datetime.date | None = None) -> list[str]:
        """All billable codes, sorted."""
        return [code.decode() for code in self.tables.codes[self.billable_rows(date)].tolist()]

    def validate(
        self,
        codes: "Codes",
        date: datetime.date | None = None,
    ) -> NDArray[np.bool_]:
        """Which of many codes are billable, in any spelling; a million a second and more.

        Args:
            codes: strings; a null is not billable.
            date: as of when; by default the catalogue's release.
        """
        from thce.codes.bulk import KeySet

        if date not in self._key_sets:
            billable = self.tables.codes[self.billable_rows(date)]
            self._key_sets[date] = KeySet(billable, self.code_type is CodeType.ICD10)
        return self._key_sets[date].contain(codes)

    def suggest(
        self, code: str, count: int = 5, date: datetime.date | None = None
    ) -> "list[Suggestion]":
        """Billable codes near one that is not, the likeliest first, each with the reason."""
        from thce.codes.suggest import suggest

        return suggest(self, code, count, date)

    def search(self, text: str, count: int = 10, date: datetime.date | None = None) -> list[Match]:
        """Billable codes for words, abbreviations, typing errors or a narrative, best first."""
        hits = self.searcher.search(text, count, self.billable_rows(date))
        return [
            Match(self.code_at(hit.row), self.tables.descriptions[hit.row], hit.score)
            for hit in hits
        ]

    @cached_property
    def searcher(self) -> "Searcher":
        """The search over this catalogue's index."""
        from thce.codes.search import Searcher

        return Searcher(self.index)
