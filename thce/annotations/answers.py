"""Answers: append-only, each identified by what it says, so that no import counts one twice."""

import hashlib
import json
import secrets
import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from thce.annotations.tasks import dump_flags
from thce.errors import InputError
from thce.registry.labels import Flag


class Verdict(StrEnum):
    """What an annotator did with a task; only ACCEPT ever becomes labels."""

    ACCEPT = "accept"
    REJECT = "reject"
    IGNORE = "ignore"
    UNDO = "undo"


@dataclass(frozen=True)
class Answer:
    """One answer on its way into the store.

    Attributes:
        task_id: the task that was answered.
        annotator: who answered.
        verdict: accept, reject, ignore, or undo of the annotator's own latest answer.
        options: the flags the annotator saw.
        accept: those ticked when the task was answered; never the prefill.
        key: identifies the answer; one with a key that the store knows is not added again.
        answered_at: UTC seconds when the annotator answered; None means now.
        position: order among answers of the same second, such as the line in a file.
        adjudicates: it settles a disagreement and overrules other answers.
        source_sha256: hash of the imported file, if any.
        source_line: line in that file, from 1.
    """

    task_id: str
    annotator: str
    verdict: Verdict
    options: tuple[Flag, ...]
    accept: tuple[Flag, ...]
    key: str
    answered_at: float | None = None
    position: int = 0
    adjudicates: bool = False
    source_sha256: str | None = None
    source_line: int | None = None


def record(connection: sqlite3.Connection, answer: Answer, now: float) -> bool:
    """Appends an answer and ends the annotator's lease on its task.

    Returns:
        Whether it was new.
    """
    known = connection.execute("SELECT position FROM answers WHERE key = ?", (answer.key,))
    if row := known.fetchone():
        if answer.answered_at is not None and answer.position > row[0]:
            # The largest of all files is the same in whatever order they are imported.
            connection.execute(
                "UPDATE answers SET position = ? WHERE key = ?", (answer.position, answer.key)
            )
        return False
    answered_at, position = _moment(connection, answer, now)
    connection.execute(
        "INSERT INTO answers (key, task_id, annotator, answer, options, accept, adjudicates,"
        " answered_at, position, recorded_at, source_sha256, source_line)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            answer.key,
            answer.task_id,
            answer.annotator,
            answer.verdict.value,
            dump_flags(answer.options),
            dump_flags(answer.accept),
            int(answer.adjudicates),
            answered_at,
            position,
            now,
            answer.source_sha256,
            answer.source_line,
        ),
    )
    connection.execute(
        "DELETE FROM leases WHERE task_id = ? AND annotator = ?", (answer.task_id, answer.annotator)
    )
    return True


def undo(connection: sqlite3.Connection, task_id: str, annotator: str, now: float) -> None:
    """Takes back the annotator's answer to a task; nothing is erased.

    Raises:
        InputError: no answer of theirs stands.
    """
    if not _has_standing(connection, task_id, annotator):
        raise InputError(f"task {task_id!r}: {annotator!r} has no answer to undo")
    key = secrets.token_hex(16)
    record(connection, Answer(task_id, annotator, Verdict.UNDO, (), (), key=key), now)


def require_offered(options: Collection[Flag], accept: Collection[Flag]) -> None:
    """Checks that every ticked flag was among those asked.

    Raises:
        InputError: one was not.
    """
    stray = [flag.value for flag in accept if flag not in options]
    if stray:
        raise InputError(f"accept: {', '.join(stray)} not among the task's options")


def content_key(*parts: object) -> str:
    """The key of an answer made of what it says."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _has_standing(connection: sqlite3.Connection, task_id: str, annotator: str) -> bool:
    return (
        connection.execute(
            "SELECT 1 FROM standing WHERE task_id = ? AND annotator = ? AND adjudicates = 0",
            (task_id, annotator),
        ).fetchone()
        is not None
    )


def _moment(connection: sqlite3.Connection, answer: Answer, now: float) -> tuple[float, int]:
    """When it was given; one given now comes after all before it, whatever the clock says."""
    if answer.answered_at is not None:
        return answer.answered_at, answer.position
    rivals = "adjudicates = 1" if answer.adjudicates else "annotator = ? AND adjudicates = 0"
    before = connection.execute(
        f"SELECT answered_at, position FROM answers WHERE {rivals}"
        " ORDER BY answered_at DESC, position DESC LIMIT 1",
        () if answer.adjudicates else (answer.annotator,),
    ).fetchone()
    if before is None or before[0] < now:
        return now, 0
    return before[0], before[1] + 1
