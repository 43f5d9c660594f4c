"""Deleting a note on request: its text, tasks, leases and answers leave the file for good."""

import sqlite3
from dataclasses import dataclass

from thce.annotations.database import Database, named_errors
from thce.annotations.states import note_exists
from thce.annotations.tombstones import Tombstones
from thce.errors import InputError


@dataclass(frozen=True)
class Deleted:
    """What a deletion removed, counted."""

    tasks: int
    answers: int


def erase(connection: sqlite3.Connection, encounter_id: str, now: float) -> Deleted:
    """Removes the rows of a note and leaves a tombstone, so that it is not sampled again.

    Raises:
        InputError: the store has never heard of the note.
    """
    tombstones = Tombstones.load(connection)
    if not note_exists(connection, encounter_id) and encounter_id not in tombstones:
        raise InputError(f"encounter {encounter_id!r} is not in the store; check the id")
    tombstones.add_to(connection, encounter_id, now)
    return remove_rows(connection, encounter_id)


def remove_rows(connection: sqlite3.Connection, encounter_id: str) -> Deleted:
    """Removes everything of a note except its tombstone."""
    of_note = "task_id IN (SELECT task_id FROM tasks WHERE encounter_id = ?)"
    connection.execute(f"DELETE FROM leases WHERE {of_note}", (encounter_id,))
    answers = connection.execute(f"DELETE FROM answers WHERE {of_note}", (encounter_id,)).rowcount
    tasks = connection.execute("DELETE FROM tasks WHERE encounter_id = ?", (encounter_id,)).rowcount
    connection.execute("DELETE FROM notes WHERE encounter_id = ?", (encounter_id,))
    return Deleted(tasks, answers)


def purge(database: Database) -> None:
    """Rewrites the file without free pages and empties the write-ahead log.

    `secure_delete` has overwritten the rows; this takes care of what earlier versions of pages
    and the log still hold.

    Raises:
        InputError: another process is reading the store, so the log cannot be emptied.
    """
    with named_errors(database.path):
        database.connection.execute("VACUUM")
        row = database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if row[0]:
        raise InputError(
            f"{database.path}: deleted, but another process still reads old pages; "
            "close it and repeat the same deletion"
        )
