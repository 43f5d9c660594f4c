"""The state of every note, derived from tasks, leases and answers.

    pool -> prepared -> shown -> answered -> merged

A note is *prepared* while a batch that is open asks about it, *shown* while an annotator holds a
lease on it, *answered* while an answer stands (reject and ignore are answers too), and *merged*
once the labels written into a dataset contain all its answers. The way back is as short: a lease
that runs out makes a shown note prepared, a withdrawn batch makes a prepared note pool, an undone
answer reopens its task, and a new answer makes a merged note answered until the next merge.

Only *answered*, *merged*, a live lease and batches handed out as a file keep a note from being
sampled: to have been prepared once never counts as seen. An answered note may be on screen or in a
file again (a second annotator, a review): then that is the reason, for it holds for reviews too.
"""

import sqlite3
from collections.abc import Iterable
from enum import StrEnum

from thce.annotations.tombstones import Tombstones


class State(StrEnum):
    """Where a note is on its way from the pool into the dataset."""

    POOL = "pool"
    PREPARED = "prepared"
    SHOWN = "shown"
    ANSWERED = "answered"
    MERGED = "merged"


class Block(StrEnum):
    """Why a note must not be sampled now; of several reasons the last one here is given."""

    ANSWERED = "answered"
    MERGED = "merged"
    HELD = "held"
    LEASED = "leased"
    DELETED = "deleted"


_STATES = """
SELECT n.encounter_id,
    CASE
        WHEN EXISTS (
            SELECT 1 FROM tasks t JOIN standing s ON s.task_id = t.task_id
            WHERE t.encounter_id = n.encounter_id
        ) THEN CASE
            WHEN n.merged_through >= (
                SELECT max(a.seq) FROM tasks t JOIN answers a ON a.task_id = t.task_id
                WHERE t.encounter_id = n.encounter_id
            ) THEN 'merged' ELSE 'answered' END
        WHEN EXISTS (
            SELECT 1 FROM tasks t JOIN leases l ON l.task_id = t.task_id
            WHERE t.encounter_id = n.encounter_id AND l.expires_at > :now
        ) THEN 'shown'
        WHEN EXISTS (
            SELECT 1 FROM tasks t
            WHERE t.encounter_id = n.encounter_id AND t.closed_at IS NULL
        ) THEN 'prepared'
        ELSE 'pool'
    END
FROM notes n
"""

_HELD = """
SELECT t.encounter_id FROM tasks t JOIN batches b ON b.batch = t.batch
WHERE t.closed_at IS NULL AND b.held_until > :now
"""

_LEASED = """
SELECT t.encounter_id FROM tasks t JOIN leases l ON l.task_id = t.task_id
WHERE l.expires_at > :now
"""

_ANSWERED = {State.ANSWERED: Block.ANSWERED, State.MERGED: Block.MERGED}


def note_states(connection: sqlite3.Connection, now: float) -> dict[str, State]:
    """The state of every note that the store has heard of; any other note is in the pool."""
    rows = connection.execute(_STATES, {"now": now})
    return {encounter_id: State(state) for encounter_id, state in rows}


def blocked_notes(
    connection: sqlite3.Connection, encounter_ids: Iterable[str], now: float
) -> dict[str, Block]:
    """Which of the given notes must not be sampled now, and why."""
    blocks = {
        encounter_id: _ANSWERED[state]
        for encounter_id, state in note_states(connection, now).items()
        if state in _ANSWERED
    }
    for query, block in ((_HELD, Block.HELD), (_LEASED, Block.LEASED)):
        found = connection.execute(query, {"now": now})
        blocks |= {encounter_id: block for (encounter_id,) in found}
    tombstones = Tombstones.load(connection)
    reasons = {}
    for encounter_id in encounter_ids:
        if encounter_id in tombstones:
            reasons[encounter_id] = Block.DELETED
        elif encounter_id in blocks:
            reasons[encounter_id] = blocks[encounter_id]
    return reasons


def note_exists(connection: sqlite3.Connection, encounter_id: str) -> bool:
    """Whether the store has heard of the note."""
    found = connection.execute("SELECT 1 FROM notes WHERE encounter_id = ?", (encounter_id,))
    return found.fetchone() is not None
