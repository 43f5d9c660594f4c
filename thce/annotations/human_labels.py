"""From answers to human labels: what annotators agree on, what goes to review, what is merged."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa

from thce.annotations.answers import Verdict
from thce.annotations.tasks import load_flags
from thce.registry.labels import FALSE, FLAG_NAMES, FLAGS, N_FLAGS, TRUE, UNKNOWN, Cells, Flag

SCHEMA = pa.schema([("encounter_id", pa.string()), *((name, pa.int8()) for name in FLAG_NAMES)])
"""Columns of a table of human labels: 1, 0 or null for unknown."""


@dataclass(frozen=True)
class Conflict:
    """A flag of a note on which annotators disagree; it stays unknown until it is resolved.

    Attributes:
        votes: what each annotator says, by name.
    """

    encounter_id: str
    flag: Flag
    votes: dict[str, bool]


@dataclass(frozen=True)
class HumanLabels:
    """Labels that people gave.

    Attributes:
        table: `SCHEMA`, one row per note with at least one known cell, by encounter_id.
        conflicts: the disputed cells, by encounter_id and flag.
    """

    table: pa.Table
    conflicts: list[Conflict]


@dataclass(frozen=True)
class _Vote:
    encounter_id: str
    annotator: str
    adjudicates: bool
    verdict: Verdict
    options: tuple[Flag, ...]
    accept: tuple[Flag, ...]


def collect(connection: sqlite3.Connection) -> HumanLabels:
    """The human labels of every note in the store.

    Per annotator and flag the latest standing answer that was asked about the flag counts: an
    accept says true where ticked and false where not, a reject or ignore says nothing. Annotators
    who agree make a label; where they disagree the cell is unknown and a conflict, until an
    adjudication, which overrules every other answer. The result does not depend on the order in
    which answers were recorded.
    """
    ids: list[str] = []
    rows: list[Cells] = []
    conflicts: list[Conflict] = []
    for encounter_id, opinions, ruling in opinions_by_note(connection):
        cells, disputed = _settle(opinions, ruling)
        conflicts += [
            Conflict(encounter_id, FLAGS[position], _for_and_against(opinions, int(position)))
            for position in np.flatnonzero(disputed)
        ]
        if (cells != UNKNOWN).any():
            ids.append(encounter_id)
            rows.append(cells)
    return HumanLabels(table_of(ids, rows), conflicts)


def mark_merged(connection: sqlite3.Connection, labels: pa.Table) -> int:
    """Marks the notes whose labels are still those of `labels` as merged; returns how many."""
    current = set(_rows(collect(connection).table))
    merged = [row[0] for row in _rows(labels) if row in current]
    connection.executemany(
        "UPDATE notes SET merged_through = (SELECT max(seq) FROM answers) WHERE encounter_id = ?",
        [(encounter_id,) for encounter_id in merged],
    )
    return len(merged)


def opinions_by_note(
    connection: sqlite3.Connection,
) -> Iterator[tuple[str, dict[str, Cells], Cells]]:
    """Per note its id, each annotator's 29 cells by name, and the adjudicators' cells."""
    for encounter_id, votes in groupby(_votes(connection), key=lambda vote: vote.encounter_id):
        yield encounter_id, *_opinions(votes)


def table_of(encounter_ids: list[str], rows: list[Cells]) -> pa.Table:
    """A table of `SCHEMA` from ids and their rows of cells; unknown becomes null."""
    cells = np.array(rows, dtype=np.int8).reshape(-1, N_FLAGS)
    columns = [
        pa.array(cells[:, position], mask=cells[:, position] == UNKNOWN)
        for position in range(N_FLAGS)
    ]
    return pa.table([pa.array(encounter_ids, pa.string()), *columns], schema=SCHEMA)


def _rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _votes(connection: sqlite3.Connection) -> Iterator[_Vote]:
    rows = connection.execute(
        "SELECT t.encounter_id, s.annotator, s.adjudicates, s.answer, s.options, s.accept"
        " FROM standing s JOIN tasks t ON t.task_id = s.task_id"
        " ORDER BY t.encounter_id, s.answered_at, s.position, s.key"
    )
    for encounter_id, annotator, adjudicates, verdict, options, accept in rows:
        yield _Vote(
            encounter_id,
            annotator,
            bool(adjudicates),
            Verdict(verdict),
            load_flags(options),
            load_flags(accept),
        )


def _opinions(votes: Iterable[_Vote]) -> tuple[dict[str, Cells], Cells]:
    """One row of cells per annotator, and the adjudicators' row, from votes in time order."""
    opinions: dict[str, Cells] = {}
    ruling = _unknown()
    for vote in votes:
        cells = ruling if vote.adjudicates else opinions.setdefault(vote.annotator, _unknown())
        for flag in vote.options:
            if vote.verdict is not Verdict.ACCEPT:
                cells[flag.position] = UNKNOWN
            else:
                cells[flag.position] = TRUE if flag in vote.accept else FALSE
    return opinions, ruling


def _settle(opinions: dict[str, Cells], ruling: Cells) -> tuple[Cells, np.ndarray]:
    """The agreed cells, and which cells are disputed (bool, 29)."""
    stacked = np.array([*opinions.values(), _unknown()])
    for_it, against = (stacked == TRUE).any(axis=0), (stacked == FALSE).any(axis=0)
    agreed = np.where(for_it, TRUE, np.where(against, FALSE, UNKNOWN)).astype(np.int8)
    disputed = for_it & against & (ruling == UNKNOWN)
    agreed[disputed] = UNKNOWN
    return np.where(ruling != UNKNOWN, ruling, agreed), disputed


def _for_and_against(opinions: dict[str, Cells], position: int) -> dict[str, bool]:
    votes = [(name, cells[position]) for name, cells in opinions.items()]
    known = [(name, bool(cell == TRUE)) for name, cell in votes if cell != UNKNOWN]
    return dict(sorted(known, key=itemgetter(0)))


def _unknown() -> Cells:
    return np.full(N_FLAGS, UNKNOWN, dtype=np.int8)
