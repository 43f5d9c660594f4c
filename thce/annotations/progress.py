"""How far annotation is: notes by state, answers and pace by annotator."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from itertools import groupby, pairwise
from statistics import median
from typing import Any

from thce.annotations.batches import every_batch
from thce.annotations.states import State, note_states

BREAK_SECONDS = 600.0
"""A longer gap between two answers of one annotator is a break and no part of the pace."""


def progress(connection: sqlite3.Connection, now: float) -> dict[str, Any]:
    """A report of the store, ready for JSON.

    Returns:
        `notes`: count by state, all five named; `answers`: rows ever recorded; `annotators`: by
        name, standing answers by verdict, time of the last answer (UTC seconds) and
        `median_seconds`, the median time from one answer to the next without breaks (null below
        two answers, and where their file gave no times); `batches`: name, overlap, tasks,
        answered and until when it is held; `deleted`: notes deleted on request.
    """
    states = Counter(note_states(connection, now).values())
    (answers,) = connection.execute("SELECT count(*) FROM answers").fetchone()
    (deleted,) = connection.execute("SELECT count(*) FROM tombstones").fetchone()
    return {
        "notes": {state.value: states[state] for state in State},
        "answers": answers,
        "annotators": _annotators(connection),
        "batches": [
            {
                "batch": batch.batch,
                "overlap": batch.overlap,
                "tasks": batch.tasks,
                "answered": batch.answered,
                "held_until": batch.held_until if batch.held_until > now else None,
            }
            for batch in every_batch(connection)
        ],
        "deleted": deleted,
    }


def _annotators(connection: sqlite3.Connection) -> dict[str, dict[str, Any]]:
    rows = connection.execute(
        "SELECT annotator, answer, answered_at FROM standing WHERE adjudicates = 0"
        " ORDER BY annotator, answered_at"
    )
    report = {}
    for annotator, answers in groupby(rows, key=lambda row: row[0]):
        given = [(verdict, answered_at) for _, verdict, answered_at in answers]
        verdicts = Counter(verdict for verdict, _ in given)
        report[annotator] = {
            "accept": verdicts["accept"],
            "reject": verdicts["reject"],
            "ignore": verdicts["ignore"],
            "last_answer": given[-1][1],
            "median_seconds": _pace([answered_at for _, answered_at in given]),
        }
    return report


def working_gaps(times: Sequence[float]) -> list[float]:
    """Seconds from one answer to the next, without breaks; times in order."""
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return [gap for gap in gaps if 0 < gap <= BREAK_SECONDS]


def _pace(times: list[float]) -> float | None:
    working = working_gaps(times)
    return median(working) if working else None
