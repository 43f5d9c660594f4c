"""The annotation store: the one place where tasks, leases and answers are kept."""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from thce.annotations import answers, batches, database, deletion, human_labels, leases, states
from thce.annotations.answers import Answer, Verdict
from thce.annotations.batches import Batch, Prepared
from thce.annotations.human_labels import Conflict, HumanLabels
from thce.annotations.leases import Lease
from thce.annotations.progress import progress
from thce.annotations.states import Block, State
from thce.annotations.tasks import NewTask, Task, TaskSeen, find_task, latest_task
from thce.errors import InputError
from thce.registry.labels import Flag

Clock = Callable[[], float]


class AnnotationStore:
    """Tasks, leases and answers in one SQLite file on a local disk.

    Every method is one transaction: when it returns, what it wrote survives a killed process and
    a power cut; when it raises, nothing of it was written. Several processes may use a store at
    once, writers wait for each other. Use an object only from the thread that opened it.

    Every method raises InputError if the file is damaged, locked for half a minute, or the disk
    is full.
    """

    def __init__(self, opened: database.Database, clock: Clock) -> None:
        self.database = opened
        self._clock = clock

    @classmethod
    def open(cls, path: str | Path, *, create: bool = False, clock: Clock = time.time) -> Self:
        """Opens a store.

        Args:
            path: the file, on a local disk.
            create: make an empty store if there is no file; never replaces one that is there.
            clock: UTC seconds since 1970; tests give their own.

        Raises:
            InputError: the file is absent (and not to be created), empty, damaged, not a store,
                or of another schema version.
        """
        file = Path(path).expanduser().absolute()
        if create and not file.exists():
            database.create(file)
        return cls(database.open_database(file), clock)

    def close(self) -> None:
        """Ends the connection; what was written is safe without it."""
        self.database.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def path(self) -> Path:
        """The store's file."""
        return self.database.path

    def now(self) -> float:
        """UTC seconds by the store's clock."""
        return self._clock()

    # Notes and batches

    def add_to_pool(self, encounter_ids: Iterable[str]) -> int:
        """Makes notes known, so that progress counts them; returns how many were new."""
        ids = list(encounter_ids)
        with self.database.write() as connection:
            return batches.add_to_pool(connection, ids, self.now())

    def prepare(self, batch: str, new: Iterable[NewTask], *, overlap: int = 1) -> Prepared:
        """Adds tasks to a batch. Giving the same notes again changes nothing.

        A note is open in one batch at a time: preparing it here closes its task elsewhere. Notes
        deleted on request are left out.

        Args:
            batch: the batch's name.
            new: at most one task per note.
            overlap: how many annotators answer each task.

        Raises:
            InputError: the batch exists with another overlap.
        """
        wanted = list(new)
        with self.database.write() as connection:
            return batches.prepare(connection, batch, wanted, overlap, self.now())

    def tasks(self, batch: str) -> list[Task]:
        """The open tasks of a batch, answered or not, in the order prepared.

        Raises:
            InputError: there is no such batch.
        """
        with self.database.read() as connection:
            return batches.open_tasks(connection, batch)

    def batches(self) -> list[Batch]:
        """Every batch, oldest first."""
        with self.database.read() as connection:
            return batches.every_batch(connection)

    def hold(self, batch: str, seconds: float) -> None:
        """Marks a batch as handed out as a file: neither leased nor sampled until the hold ends.

        It ends after `seconds`, when answers of the batch are imported, or by `withdraw`.

        Raises:
            InputError: there is no such batch.
        """
        with self.database.write() as connection:
            batches.set_hold(connection, batch, self.now() + seconds)

    def withdraw(self, batch: str) -> int:
        """Takes a batch back: its unfinished tasks are handed out no more, answers are kept.

        Returns:
            How many tasks nobody had answered; their notes are in the pool again.

        Raises:
            InputError: there is no such batch.
        """
        with self.database.write() as connection:
            return batches.withdraw(connection, batch, self.now())

    def unfinished(self, batch: str) -> int:
        """How many open tasks of a batch have fewer answers than it asks for.

        Raises:
            InputError: there is no such batch.
        """
        with self.database.read() as connection:
            return batches.unfinished(connection, batch)

    def states(self) -> dict[str, State]:
        """The state of every note the store has heard of; any other note is in the pool."""
        with self.database.read() as connection:
            return states.note_states(connection, self.now())

    def blocked(self, encounter_ids: Iterable[str]) -> dict[str, Block]:
        """Which of these notes must not be sampled now, and why."""
        with self.database.read() as connection:
            return states.blocked_notes(connection, encounter_ids, self.now())

    # Leases and answers

    def lease(
        self, annotator: str, limit: int, seconds: float, batch: str | None = None
    ) -> list[Task]:
        """Up to `limit` tasks for an annotator, those already held first, for `seconds` from now.

        At most `overlap` annotators hold or have answered a task; a lease that runs out is free.
        """
        with self.database.write() as connection:
            return leases.take(connection, annotator, limit, seconds, batch, self.now())

    def give_up(self, annotator: str) -> int:
        """Ends an annotator's leases; returns how many."""
        with self.database.write() as connection:
            return leases.give_up(connection, annotator)

    def live_leases(self) -> list[Lease]:
        """The leases that have not run out."""
        with self.database.read() as connection:
            return leases.live(connection, self.now())

    def answer(
        self,
        task_id: str,
        annotator: str,
        accept: Sequence[Flag],
        verdict: Verdict = Verdict.ACCEPT,
        *,
        key: str | None = None,
    ) -> bool:
        """Records an answer, durably before it returns.

        Args:
            task_id: the task.
            annotator: who answers.
            accept: the boxes ticked now; none ticked means that none of the options was done.
            verdict: accept, reject or ignore.
            key: the caller's own id of this answer; sending it again adds nothing.

        Returns:
            Whether it was new.

        Raises:
            InputError: no such task, or a ticked flag was not among its options.
        """
        with self.database.write() as connection:
            task = _present(find_task(connection, task_id), f"task {task_id!r}")
            answers.require_offered(task.options, accept)
            given = Answer(
                task_id,
                annotator,
                verdict,
                task.options,
                tuple(accept),
                key=key or secrets.token_hex(16),
            )
            return answers.record(connection, given, self.now())

    def undo(self, task_id: str, annotator: str) -> None:
        """Takes back an annotator's answer to a task, which is open again; nothing is erased.

        Raises:
            InputError: no answer of theirs stands.
        """
        with self.database.write() as connection:
            answers.undo(connection, task_id, annotator, self.now())

    def resolve(self, encounter_id: str, decided: Mapping[Flag, bool], adjudicator: str) -> None:
        """Settles flags of a note: the adjudicator overrules all annotators on them.

        Raises:
            InputError: no task ever asked about the note.
        """
        with self.database.write() as connection:
            task = _present(latest_task(connection, encounter_id), f"encounter {encounter_id!r}")
            ruling = Answer(
                task.task_id,
                adjudicator,
                Verdict.ACCEPT,
                options=tuple(decided),
                accept=tuple(flag for flag, value in decided.items() if value),
                key=secrets.token_hex(16),
                adjudicates=True,
            )
            answers.record(connection, ruling, self.now())

    # Labels

    def human_labels(self) -> HumanLabels:
        """The labels that people gave, and where they disagree (`human_labels.collect`)."""
        with self.database.read() as connection:
            return human_labels.collect(connection)

    def conflicts(self) -> list[Conflict]:
        """The review queue: flags on which annotators disagree."""
        return self.human_labels().conflicts

    def mark_merged(self, labels: pa.Table) -> int:
        """Records that a dataset contains these labels.

        A note whose labels have changed since `labels` was written stays *answered*.

        Args:
            labels: a table of `human_labels.SCHEMA`, as merged.

        Returns:
            How many notes are merged by it.
        """
        with self.database.write() as connection:
            return human_labels.mark_merged(connection, labels)

    def progress(self) -> dict[str, Any]:
        """Counts by state, annotator and batch, and the pace (`progress.progress`)."""
        with self.database.read() as connection:
            return progress(connection, self.now())

    def delete_note(self, encounter_id: str) -> deletion.Deleted:
        """Deletes a note's text, tasks, leases and answers from the file for good.

        A salted hash of the id stays, so that the note is not sampled or imported again. Backups
        and exported files made earlier are not touched. Deleting twice does no harm.

        Raises:
            InputError: the note is unknown; or it is deleted, but another process is reading the
                store and keeps old pages alive: close it and repeat.
        """
        with self.database.write() as connection:
            deleted = deletion.erase(connection, encounter_id, self.now())
        deletion.purge(self.database)
        return deleted


def _present(task: TaskSeen | None, what: str) -> TaskSeen:
    if task is None:
        raise InputError(f"{what}: the store has no such task; check the id")
    return task
