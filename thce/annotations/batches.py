"""Batches: which notes are asked about together, handed out, held, and taken back."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from thce.annotations.tasks import NewTask, Task, TaskSeen, insert_task, select_tasks
from thce.annotations.tombstones import Tombstones
from thce.errors import InputError


@dataclass(frozen=True)
class Batch:
    """A batch and how far it is.

    Attributes:
        created_at: UTC seconds.
        overlap: annotators asked for per task.
        held_until: UTC seconds until which it is handed out as a file; 0 when it is not.
        tasks: tasks in it.
        answered: tasks with an answer that stands.
    """

    batch: str
    created_at: float
    overlap: int
    held_until: float
    tasks: int
    answered: int


@dataclass(frozen=True)
class Prepared:
    """What `prepare` did with the tasks it was given, counted.

    Attributes:
        created: new tasks, and withdrawn ones opened again.
        existing: already in the batch, left as they were.
        deleted: left out, because the note was deleted on request.
    """

    created: int
    existing: int
    deleted: int


def add_to_pool(connection: sqlite3.Connection, encounter_ids: Iterable[str], now: float) -> int:
    """Makes notes known, all but those deleted on request; returns how many were new."""
    before = connection.total_changes
    tombstones = Tombstones.load(connection)
    for encounter_id in encounter_ids:
        if encounter_id not in tombstones:
            _ensure_note(connection, encounter_id, now)
    return connection.total_changes - before


def prepare(
    connection: sqlite3.Connection,
    batch: str,
    tasks: Iterable[NewTask],
    overlap: int,
    now: float,
) -> Prepared:
    """Adds tasks to a batch; a note open in another batch moves to this one.

    Raises:
        InputError: the batch exists with another overlap.
    """
    if _ensure_batch(connection, batch, overlap, now) != overlap:
        raise InputError(
            f"batch {batch!r} asks another number of annotators per task than {overlap}; "
            "choose another batch name or the same overlap"
        )
    tombstones = Tombstones.load(connection)
    created = existing = deleted = 0
    for task in tasks:
        if task.encounter_id in tombstones:
            deleted += 1
        elif _is_open_or_answered(connection, batch, task.encounter_id):
            existing += 1
        else:
            _open(connection, batch, task, now)
            created += 1
    return Prepared(created, existing, deleted)


def adopt_task(connection: sqlite3.Connection, batch: str, task: NewTask, now: float) -> TaskSeen:
    """Adds a task that was made and answered elsewhere; it is not handed out here."""
    _ensure_batch(connection, batch, 1, now)
    _ensure_note(connection, task.encounter_id, now)
    return insert_task(connection, batch, task, now, closed_at=now)


def open_tasks(connection: sqlite3.Connection, batch: str) -> list[Task]:
    """The tasks of a batch that are handed out, in the order they were prepared.

    Raises:
        InputError: there is no such batch.
    """
    _require(connection, batch)
    open_ones = "WHERE batch = ? AND closed_at IS NULL ORDER BY number"
    return select_tasks(connection, open_ones, (batch,))


def set_hold(connection: sqlite3.Connection, batch: str, until: float) -> None:
    """Holds a batch until the given time (UTC seconds); 0 ends the hold.

    Raises:
        InputError: there is no such batch.
    """
    _require(connection, batch)
    connection.execute("UPDATE batches SET held_until = ? WHERE batch = ?", (until, batch))


def withdraw(connection: sqlite3.Connection, batch: str, now: float) -> int:
    """Takes a batch back: its hold and leases end, its unfinished tasks close.

    Answers to tasks that wait for further annotators are kept.

    Returns:
        The number of tasks that nobody answered; their notes are in the pool again.

    Raises:
        InputError: there is no such batch.
    """
    set_hold(connection, batch, 0)
    connection.execute(
        "DELETE FROM leases WHERE task_id IN (SELECT task_id FROM tasks WHERE batch = ?)", (batch,)
    )
    waiting = _unfinished(connection, batch)
    connection.executemany(
        "UPDATE tasks SET closed_at = ? WHERE task_id = ?",
        [(now, task_id) for task_id, _ in waiting],
    )
    return sum(given == 0 for _, given in waiting)


def unfinished(connection: sqlite3.Connection, batch: str) -> int:
    """How many open tasks of a batch have fewer answers than it asks for.

    Raises:
        InputError: there is no such batch.
    """
    _require(connection, batch)
    return len(_unfinished(connection, batch))


def every_batch(connection: sqlite3.Connection) -> list[Batch]:
    """Every batch, oldest first."""
    rows = connection.execute(
        "SELECT b.batch, b.created_at, b.overlap, b.held_until, count(t.task_id),"
        " count(t.task_id) FILTER (WHERE t.task_id IN (SELECT task_id FROM standing))"
        " FROM batches b LEFT JOIN tasks t ON t.batch = b.batch"
        " GROUP BY b.batch ORDER BY b.created_at, b.batch"
    )
    return [Batch(*row) for row in rows]


def _require(connection: sqlite3.Connection, batch: str) -> None:
    if not connection.execute("SELECT 1 FROM batches WHERE batch = ?", (batch,)).fetchone():
        raise InputError(f"batch {batch!r} is not in the store; see `thce annotations status`")


def _ensure_note(connection: sqlite3.Connection, encounter_id: str, now: float) -> None:
    connection.execute(
        "INSERT OR IGNORE INTO notes (encounter_id, added_at) VALUES (?, ?)", (encounter_id, now)
    )


def _unfinished(connection: sqlite3.Connection, batch: str) -> list[tuple[str, int]]:
    """Open tasks of a batch that wait for annotators, each with how many have answered it."""
    return connection.execute(
        "SELECT task_id, given FROM (SELECT t.task_id, b.overlap, (SELECT count(*) FROM standing s"
        " WHERE s.task_id = t.task_id AND s.adjudicates = 0) AS given"
        " FROM tasks t JOIN batches b USING (batch) WHERE batch = ? AND closed_at IS NULL)"
        " WHERE given < overlap",
        (batch,),
    ).fetchall()


def _ensure_batch(connection: sqlite3.Connection, batch: str, overlap: int, now: float) -> int:
    """Makes the batch if it is new, and returns its overlap."""
    connection.execute(
        "INSERT OR IGNORE INTO batches (batch, created_at, overlap) VALUES (?, ?, ?)",
        (batch, now, overlap),
    )
    row = connection.execute("SELECT overlap FROM batches WHERE batch = ?", (batch,)).fetchone()
    return int(row[0])


def _is_open_or_answered(connection: sqlite3.Connection, batch: str, encounter_id: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM tasks t WHERE encounter_id = ? AND batch = ? AND (closed_at IS NULL"
        " OR EXISTS (SELECT 1 FROM standing s WHERE s.task_id = t.task_id))",
        (encounter_id, batch),
    )
    return found.fetchone() is not None


def _open(connection: sqlite3.Connection, batch: str, task: NewTask, now: float) -> None:
    """Opens the note's task in this batch, a withdrawn one again, and closes those elsewhere."""
    connection.execute(
        "UPDATE tasks SET closed_at = ? WHERE encounter_id = ? AND closed_at IS NULL",
        (now, task.encounter_id),
    )
    reopened = connection.execute(
        "UPDATE tasks SET closed_at = NULL WHERE encounter_id = ? AND batch = ?",
        (task.encounter_id, batch),
    ).rowcount
    if not reopened:
        _ensure_note(connection, task.encounter_id, now)
        insert_task(connection, batch, task, now)
