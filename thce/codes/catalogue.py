"""A catalogue: every code of one type, its record, its place in the tree, and what is near it.

Rows are sorted by code. Nothing here knows where the entries came from or where they are cached.
"""

import datetime
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from thce.codes.code_types import CodeType, normalise
from thce.codes.columns import Texts
from thce.codes.entries import Entry, Source, day_number
from thce.codes.search_index import SearchIndex, build_index

if TYPE_CHECKING:
    from thce.codes.bulk import Codes, KeySet
    from thce.codes.search import Searcher
    from thce.codes.suggest import Suggestion

KINDS = ("chapter", "block", "category", "subcategory", "code", "retired")
LIFETIME = ("absent_before", "active_from", "active_to", "gone_from")


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


@dataclass(frozen=True)
class Tables:
    """A catalogue's rows as arrays, all of one length.

    Attributes:
        codes: bytes, sorted.
        kinds: int8, index into KINDS.
        parents: int32 row, -1 where none.
        reportable: bool.
        lifetimes: (rows, 4) int32 yyyymmdd, columns as LIFETIME.
        descriptions: texts.
        notes: texts, JSON objects.
    """

    codes: NDArray[np.bytes_]
    kinds: NDArray[np.int8]
    parents: NDArray[np.int32]
    reportable: NDArray[np.bool_]
    lifetimes: NDArray[np.int32]
    descriptions: Texts
    notes: Texts


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
        return Catalogue(source, fingerprint, _tables(ordered), build_index(ordered))

    @property
    def code_type(self) -> CodeType:
        """Which codes."""
        return self.source.code_type

    def __len__(self) -> int:
        return len(self.tables.codes)

    def __contains__(self, code: str) -> bool:
        return self.row(code) >= 0

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
            _dates(tables.lifetimes[row]),
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
        row = self.row(code)
        if row < 0 or not self.tables.reportable[row]:
            return False
        absent_before, active_from, active_to, gone_from = self.tables.lifetimes[row].tolist()
        day = day_number(date)
        if day < absent_before or (gone_from and day >= gone_from):
            return False
        if not active_from or day < active_from or (active_to and day > active_to):
            return None
        return True

    @cached_property
    def current(self) -> NDArray[np.bool_]:
        """(rows,) billable by the catalogue's own release."""
        effective = day_number(datetime.date.fromisoformat(self.source.effective))
        return self._billable_on(effective)

    def billable_rows(self, date: datetime.date | None = None) -> NDArray[np.bool_]:
        """(rows,) billable on a date, or by the catalogue's release."""
        return self.current if date is None else self._billable_on(day_number(date))

    def _billable_on(self, day: int) -> NDArray[np.bool_]:
        absent_before, gone_from = self.tables.lifetimes[:, 0], self.tables.lifetimes[:, 3]
        return (
            self.tables.reportable & (day >= absent_before) & ((gone_from == 0) | (day < gone_from))
        )

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


def _tables(entries: Sequence[Entry]) -> Tables:
    rows = {entry.code: row for row, entry in enumerate(entries)}
    lifetimes = [list(asdict(entry.lifetime).values()) for entry in entries]
    return Tables(
        np.array([entry.code.encode() for entry in entries], np.bytes_),
        np.array([KINDS.index(entry.kind) for entry in entries], np.int8),
        np.array([rows.get(entry.parent, -1) for entry in entries], np.int32),
        np.array([entry.reportable for entry in entries], np.bool_),
        np.array(lifetimes, np.int32).reshape(len(entries), len(LIFETIME)),
        Texts.of(entry.description for entry in entries),
        Texts.of(_notes(entries)),
    )


def _notes(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        notes = {name: list(texts) for name, texts in entry.notes.items()}
        yield json.dumps(notes, ensure_ascii=False) if notes else ""


def _dates(lifetime: NDArray[np.int32]) -> dict[str, str]:
    return {
        name: f"{day // 10000:04}-{day // 100 % 100:02}-{day % 100:02}"
        for name, day in zip(LIFETIME, lifetime.tolist(), strict=True)
        if day
    }
