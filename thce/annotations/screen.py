"""What an annotation page shows one annotator, and takes back from them.

A page may be open twice, be closed in the middle, or send an answer again because it never heard
that the first one arrived. So every answer carries an id that the page made, by which it is
recorded once, and the version of the task that the page had on screen: one that was answered
elsewhere meanwhile is refused and not overwritten.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from thce.annotations import leases
from thce.annotations.answers import Answer, Verdict, record, require_offered
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import Task, dump_flags, load_flags, select_tasks
from thce.errors import InputError
from thce.registry.labels import Flag


class NoTaskError(InputError):
    """There is no such task for this annotator."""


class RefusedError(InputError):
    """The answer does not fit its task."""


class OutdatedError(Exception):
    """The task was answered elsewhere since the page saw it; the message says so."""


@dataclass(frozen=True)
class Screen:
    """A task as one annotator sees it.

    Attributes:
        task: the task.
        version: of the annotator's own answers to it; an answer gives it back.
        verdict: of the answer that stands, None without one.
        accept: ticked in their latest answer, also in one taken back; None before the first.
    """

    task: Task
    version: int
    verdict: Verdict | None
    accept: tuple[Flag, ...] | None


@dataclass(frozen=True)
class Given:
    """An answer, or one taken back, as the page sends it.

    Attributes:
        key: made by the page, the same whenever it sends this answer again.
        task_id: the task.
        version: of the task on screen.
        verdict: what the annotator did.
        accept: the boxes ticked; empty for an undo.
    """

    key: str
    task_id: str
    version: int
    verdict: Verdict
    accept: tuple[Flag, ...] = ()


@dataclass(frozen=True)
class Recorded:
    """What became of an answer: the task's version with it, and whether it was new."""

    version: int
    new: bool


def next_screen(
    store: AnnotationStore, annotator: str, seconds: float, batch: str | None = None
) -> Screen | None:
    """The task to show now, leased to the annotator: the one they hold, else the next free one.

    Args:
        store: the annotation store.
        annotator: who asks.
        seconds: how long nobody else is given it.
        batch: only of this batch.
    """
    with store.database.write() as connection:
        found = leases.take(connection, annotator, 1, seconds, batch, store.now())
        return _screen(connection, found[0], annotator) if found else None


def screen_of(store: AnnotationStore, annotator: str, task_id: str) -> Screen:
    """A task that the annotator has on screen or has answered, to look at it again.

    Raises:
        NoTaskError: it is neither, or there is no such task.
    """
    with store.database.read() as connection:
        tasks = select_tasks(
            connection,
            "WHERE task_id = :task AND (EXISTS (SELECT 1 FROM leases l WHERE l.task_id = :task"
            " AND l.annotator = :annotator AND l.expires_at > :now) OR EXISTS (SELECT 1 FROM"
            " answers a WHERE a.task_id = :task AND a.annotator = :annotator))",
            {"task": task_id, "annotator": annotator, "now": store.now()},
        )
        if not tasks:
            raise NoTaskError(f"task {task_id!r}: not on your screen and not answered by you")
        return _screen(connection, tasks[0], annotator)


def give(store: AnnotationStore, annotator: str, given: Given, seconds: float) -> Recorded:
    """Records an answer or takes one back; on disk when this returns.

    A task whose answer is taken back is on the annotator's screen again.

    Args:
        store: the annotation store.
        annotator: who answers.
        given: what the page sent.
        seconds: how long the task of an undone answer is theirs.

    Raises:
        NoTaskError: no such task; its note may have been deleted.
        RefusedError: a flag that it does not offer, or nothing to take back.
        OutdatedError: the annotator answered it elsewhere meanwhile, or another answer has the key.
    """
    key = f"page {annotator} {given.key}"
    with store.database.write() as connection:
        known = _version_of(connection, key, annotator, given)
        if known is not None:
            return Recorded(known, new=False)
        row = connection.execute("SELECT options FROM tasks WHERE task_id = ?", (given.task_id,))
        if (options := row.fetchone()) is None:
            raise NoTaskError(f"task {given.task_id!r}: the store has no such task")
        if _version(connection, given.task_id, annotator) != given.version:
            raise OutdatedError("this note was answered in another window meanwhile")
        offered = load_flags(options[0])
        undo = given.verdict is Verdict.UNDO
        if undo and _verdict(connection, given.task_id, annotator) is None:
            raise RefusedError(f"task {given.task_id!r}: you have no answer to take back")
        try:
            require_offered(offered, given.accept)
        except InputError as error:
            raise RefusedError(str(error)) from None
        answer = Answer(
            given.task_id,
            annotator,
            given.verdict,
            () if undo else offered,
            () if undo else given.accept,
            key=key,
        )
        now = store.now()
        record(connection, answer, now)
        if undo:
            leases.hold(connection, given.task_id, annotator, now + seconds)
        return Recorded(_version(connection, given.task_id, annotator), new=True)


def _screen(connection: sqlite3.Connection, task: Task, annotator: str) -> Screen:
    last = connection.execute(
        "SELECT accept FROM answers WHERE task_id = ? AND annotator = ? AND answer <> 'undo'"
        " AND adjudicates = 0 ORDER BY answered_at DESC, position DESC, key DESC LIMIT 1",
        (task.task_id, annotator),
    ).fetchone()
    return Screen(
        task=task,
        version=_version(connection, task.task_id, annotator),
        verdict=_verdict(connection, task.task_id, annotator),
        accept=None if last is None else load_flags(last[0]),
    )


def _version(connection: sqlite3.Connection, task_id: str, annotator: str) -> int:
    """The number of the annotator's latest row about the task, 0 before the first."""
    row = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM answers"
        " WHERE task_id = ? AND annotator = ? AND adjudicates = 0",
        (task_id, annotator),
    ).fetchone()
    return int(row[0])


def _verdict(connection: sqlite3.Connection, task_id: str, annotator: str) -> Verdict | None:
    row = connection.execute(
        "SELECT answer FROM standing WHERE task_id = ? AND annotator = ? AND adjudicates = 0",
        (task_id, annotator),
    ).fetchone()
    return None if row is None else Verdict(row[0])


def _version_of(
    connection: sqlite3.Connection, key: str, annotator: str, given: Given
) -> int | None:
    """The version that the answer of this key made, None while there is none.

    Raises:
        OutdatedError: the key is that of an answer which says something else.
    """
    row = connection.execute(
        "SELECT seq, task_id, answer, accept FROM answers WHERE key = ?", (key,)
    ).fetchone()
    if row is None:
        return None
    if row[1:] != (given.task_id, given.verdict.value, dump_flags(_kept(given))):
        raise OutdatedError("another answer was recorded under this id")
    return int(row[0])


def _kept(given: Given) -> Sequence[Flag]:
    return () if given.verdict is Verdict.UNDO else given.accept
