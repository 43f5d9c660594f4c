"""Leases: which annotator has which task on screen, and until when."""

import sqlite3
from dataclasses import dataclass

from thce.annotations.tasks import Task, select_tasks


@dataclass(frozen=True)
class Lease:
    """One live lease; `expires_at` is UTC seconds."""

    task_id: str
    encounter_id: str
    batch: str
    annotator: str
    expires_at: float


# A task is free for an annotator who has not answered it while fewer than `overlap` others hold
# it or have answered it. Tasks of a batch handed out as a file are not free.
_FREE = """
JOIN batches b USING (batch)
WHERE tasks.closed_at IS NULL AND b.held_until <= :now
    AND NOT EXISTS (
        SELECT 1 FROM standing s WHERE s.task_id = tasks.task_id AND s.annotator = :annotator
    )
    AND b.overlap > (
        SELECT count(*) FROM (
            SELECT annotator FROM standing s WHERE s.task_id = tasks.task_id
            UNION
            SELECT annotator FROM leases l WHERE l.task_id = tasks.task_id AND l.expires_at > :now
        ) WHERE annotator <> :annotator
    )
"""
_HELD = "(SELECT task_id FROM leases WHERE annotator = :annotator AND expires_at > :now)"


def take(
    connection: sqlite3.Connection,
    annotator: str,
    limit: int,
    seconds: float,
    batch: str | None,
    now: float,
) -> list[Task]:
    """Leases up to `limit` tasks: first those the annotator holds already, which are extended.

    A page that was closed and opened again therefore finds its tasks where it left them.
    """
    connection.execute("DELETE FROM leases WHERE expires_at <= ?", (now,))
    values = {"now": now, "batch": batch, "annotator": annotator, "limit": limit}
    tasks: list[Task] = []
    # Two queries, each in the order of its key: neither looks at more tasks than it has to.
    free = _FREE if batch is None else f"{_FREE} AND tasks.batch = :batch"
    for which in (f"tasks.task_id IN {_HELD}", f"tasks.task_id NOT IN {_HELD}"):
        values["limit"] = limit - len(tasks)
        tasks += select_tasks(
            connection, f"{free} AND {which} ORDER BY number LIMIT :limit", values
        )
    for task in tasks:
        hold(connection, task.task_id, annotator, now + seconds)
    return tasks


def hold(connection: sqlite3.Connection, task_id: str, annotator: str, until: float) -> None:
    """Leases one task to an annotator until the given time (UTC seconds)."""
    connection.execute(
        "INSERT INTO leases (task_id, annotator, expires_at) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET expires_at = excluded.expires_at",
        (task_id, annotator, until),
    )


def give_up(connection: sqlite3.Connection, annotator: str) -> int:
    """Ends every lease of an annotator and returns how many there were."""
    return connection.execute("DELETE FROM leases WHERE annotator = ?", (annotator,)).rowcount


def live(connection: sqlite3.Connection, now: float) -> list[Lease]:
    """The leases that have not run out, by annotator and task."""
    rows = connection.execute(
        "SELECT l.task_id, t.encounter_id, t.batch, l.annotator, l.expires_at"
        " FROM leases l JOIN tasks t ON t.task_id = l.task_id WHERE l.expires_at > ?"
        " ORDER BY l.annotator, t.number",
        (now,),
    )
    return [Lease(*row) for row in rows]
