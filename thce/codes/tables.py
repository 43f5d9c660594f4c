"""A catalogue's rows as arrays: what is cached, searched and looked up."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from thce.codes.columns import Texts
from thce.codes.entries import Entry, day_date

KINDS = ("chapter", "block", "category", "subcategory", "code", "retired")
LIFETIME = ("absent_before", "active_from", "active_to", "gone_from")


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


def build_tables(entries: Sequence[Entry]) -> Tables:
    """The rows of entries that are sorted by code, in their order."""
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


def known_dates(lifetime: NDArray[np.int32]) -> dict[str, str]:
    """The ISO dates of one row's lifetime, those that are known."""
    return {
        name: day_date(day).isoformat()
        for name, day in zip(LIFETIME, lifetime.tolist(), strict=True)
        if day
    }


def _notes(entries: Sequence[Entry]) -> Iterator[str]:
    for entry in entries:
        notes = {name: list(texts) for name, texts in entry.notes.items()}
        yield json.dumps(notes, ensure_ascii=False) if notes else ""
