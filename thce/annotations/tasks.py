"""Tasks: a note, the flags asked of it and the boxes ticked beforehand."""

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from thce.registry.labels import FLAGS, Flag


@dataclass(frozen=True)
class NewTask:
    """What a batch asks of one note.

    Attributes:
        encounter_id: the note's id.
        text: the note as the annotator reads it (prepared text).
        options: the flags asked; all others stay unknown whatever the answer.
        prefill: the options ticked beforehand.
        meta: what the sampler knows of the note; JSON values only.
        blind: the prefill and `meta` are kept from the annotator, to measure anchoring.
    """

    encounter_id: str
    text: str
    options: tuple[Flag, ...] = FLAGS
    prefill: tuple[Flag, ...] = ()
    meta: dict[str, Any] = field(default_factory=dict)
    blind: bool = False


@dataclass(frozen=True)
class Task(NewTask):
    """A task in the store."""

    task_id: str = ""
    batch: str = ""

    @property
    def ticked(self) -> tuple[Flag, ...]:
        """The boxes ticked when the annotator first sees the task: none when blind."""
        return () if self.blind else self.prefill


@dataclass(frozen=True)
class TaskSeen:
    """What an answer needs to know of its task."""

    task_id: str
    batch: str
    options: tuple[Flag, ...]


def task_id_of(batch: str, encounter_id: str) -> str:
    """The id of a note's one task in a batch: the same wherever it is computed."""
    return hashlib.sha256(f"{batch}\0{encounter_id}".encode()).hexdigest()[:16]


def insert_task(
    connection: sqlite3.Connection,
    batch: str,
    task: NewTask,
    now: float,
    closed_at: float | None = None,
) -> TaskSeen:
    """Adds one task that the batch does not have; `closed_at` for one that is not handed out."""
    seen = TaskSeen(task_id_of(batch, task.encounter_id), batch, task.options)
    connection.execute(
        "INSERT INTO tasks (task_id, encounter_id, batch, text, options, prefill, meta, blind,"
        " created_at, closed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            seen.task_id,
            task.encounter_id,
            batch,
            task.text,
            dump_flags(task.options),
            dump_flags(task.prefill),
            json.dumps(task.meta, ensure_ascii=False, sort_keys=True, allow_nan=False),
            int(task.blind),
            now,
            closed_at,
        ),
    )
    return seen


def select_tasks(
    connection: sqlite3.Connection, rest: str, values: Sequence[object] | Mapping[str, object]
) -> list[Task]:
    """The tasks found by the rest of a query that begins `SELECT ... FROM tasks`."""
    rows = connection.execute(
        "SELECT encounter_id, text, options, prefill, meta, blind, task_id, batch"
        f" FROM tasks {rest}",
        values,
    )
    return [
        Task(
            encounter_id=encounter_id,
            text=text,
            options=load_flags(options),
            prefill=load_flags(prefill),
            meta=json.loads(meta),
            blind=bool(blind),
            task_id=task_id,
            batch=batch,
        )
        for encounter_id, text, options, prefill, meta, blind, task_id, batch in rows
    ]


def find_task(connection: sqlite3.Connection, task_id: str) -> TaskSeen | None:
    """A task by its id, if the store has it."""
    return _seen(connection, "task_id = ?", task_id)


def latest_task(connection: sqlite3.Connection, encounter_id: str) -> TaskSeen | None:
    """The newest task that asked about a note, if any did."""
    return _seen(connection, "encounter_id = ? ORDER BY number DESC LIMIT 1", encounter_id)


def dump_flags(flags: Sequence[Flag]) -> str:
    """Flags as they are stored: a JSON list in the order given."""
    return json.dumps([flag.value for flag in flags])


@lru_cache(maxsize=4096)
def load_flags(stored: str) -> tuple[Flag, ...]:
    """Flags as they were stored."""
    return tuple(Flag(name) for name in json.loads(stored))


def _seen(connection: sqlite3.Connection, condition: str, value: str) -> TaskSeen | None:
    query = f"SELECT task_id, batch, options FROM tasks WHERE {condition}"
    row = connection.execute(query, (value,)).fetchone()
    return None if row is None else TaskSeen(row[0], row[1], load_flags(row[2]))
