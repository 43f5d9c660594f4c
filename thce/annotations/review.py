"""Settling what annotators disagree on: a note, what each of them says, and a ruling."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from thce.annotations.answers import Answer, Verdict, record
from thce.annotations.human_labels import Conflict
from thce.annotations.screen import NoTaskError, OutdatedError, Recorded
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import latest_task
from thce.registry.labels import FLAGS, Flag


@dataclass(frozen=True)
class Dispute:
    """A note that annotators disagree on.

    Attributes:
        encounter_id: the note.
        text: the note as they read it.
        version: of all answers to the note; a ruling gives it back.
        votes: per disputed flag what each annotator says, by name.
    """

    encounter_id: str
    text: str
    version: int
    votes: Mapping[Flag, Mapping[str, bool]]


@dataclass(frozen=True)
class Ruling:
    """What a reviewer decides about a note, as the page sends it.

    Attributes:
        key: made by the page, the same whenever it sends this ruling again.
        encounter_id: the note.
        version: of the dispute on screen.
        decided: flag -> whether it was done.
    """

    key: str
    encounter_id: str
    version: int
    decided: Mapping[Flag, bool]


def disputes(store: AnnotationStore) -> list[tuple[str, int]]:
    """The review queue: each note with its number of disputed flags."""
    by_note = groupby(store.conflicts(), key=lambda one: one.encounter_id)
    return [(encounter_id, len(list(of_note))) for encounter_id, of_note in by_note]


def dispute_of(store: AnnotationStore, encounter_id: str) -> Dispute:
    """What annotators disagree on in a note.

    Raises:
        NoTaskError: nothing is disputed there.
    """
    found = [one for one in store.conflicts() if one.encounter_id == encounter_id]
    if not found:
        raise NoTaskError(f"encounter {encounter_id!r}: nothing is disputed there")
    with store.database.read() as connection:
        (text,) = connection.execute(
            "SELECT text FROM tasks WHERE encounter_id = ? ORDER BY number DESC LIMIT 1",
            (encounter_id,),
        ).fetchone()
        version = _version(connection, encounter_id)
    return Dispute(encounter_id, text, version, _votes(found))


def settle(store: AnnotationStore, reviewer: str, ruling: Ruling) -> Recorded:
    """Records a ruling, which overrules all annotators on its flags; on disk when this returns.

    Raises:
        NoTaskError: no task ever asked about the note.
        OutdatedError: somebody answered or settled it meanwhile, or another ruling has the key.
    """
    key = f"review {reviewer} {ruling.key}"
    options = tuple(flag for flag in FLAGS if flag in ruling.decided)
    accept = tuple(flag for flag in options if ruling.decided[flag])
    with store.database.write() as connection:
        row = connection.execute(
            "SELECT a.seq, t.encounter_id, a.options, a.accept"
            " FROM answers a JOIN tasks t USING (task_id) WHERE key = ?",
            (key,),
        ).fetchone()
        if row is not None:
            if (row[1], json.loads(row[2]), json.loads(row[3])) != (
                ruling.encounter_id,
                list(options),
                list(accept),
            ):
                raise OutdatedError("another ruling was recorded under this id")
            return Recorded(row[0], new=False)
        task = latest_task(connection, ruling.encounter_id)
        if task is None:
            raise NoTaskError(f"encounter {ruling.encounter_id!r}: no task asked about it")
        if _version(connection, ruling.encounter_id) != ruling.version:
            raise OutdatedError("this note was answered or settled by somebody meanwhile")
        answer = Answer(
            task.task_id, reviewer, Verdict.ACCEPT, options, accept, key=key, adjudicates=True
        )
        record(connection, answer, store.now())
        return Recorded(_version(connection, ruling.encounter_id), new=True)


def _version(connection: sqlite3.Connection, encounter_id: str) -> int:
    """The number of the latest row about the note."""
    row = connection.execute(
        "SELECT coalesce(max(seq), 0) FROM answers JOIN tasks USING (task_id)"
        " WHERE encounter_id = ?",
        (encounter_id,),
    ).fetchone()
    return int(row[0])


def _votes(conflicts: list[Conflict]) -> dict[Flag, dict[str, bool]]:
    return {one.flag: one.votes for one in conflicts}
