"""How far one annotator is, and what they answered before."""

from dataclasses import dataclass
from statistics import median

from thce.annotations.answers import Verdict
from thce.annotations.progress import working_gaps
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import load_flags

PACE_ANSWERS = 30
"""The pace is that of this many latest answers."""


@dataclass(frozen=True)
class Past:
    """One answer of an annotator that stands; `answered_at` is UTC seconds."""

    task_id: str
    encounter_id: str
    batch: str
    verdict: Verdict
    ticked: int
    answered_at: float


@dataclass(frozen=True)
class Work:
    """How far one annotator is.

    Attributes:
        answered: tasks with an answer of theirs that stands.
        left: tasks they may still answer, the one on screen included.
        elsewhere: unfinished tasks that others have on screen now.
        tasks: tasks asked about, answered ones of closed batches included.
        finished: those with as many answers as their batch asks for.
        median_seconds: from one of their latest answers to the next; None before the second.
    """

    answered: int
    left: int
    elsewhere: int
    tasks: int
    finished: int
    median_seconds: float | None


def history(
    store: AnnotationStore, annotator: str, limit: int, batch: str | None = None
) -> list[Past]:
    """The annotator's own answers that stand, latest first."""
    with store.database.read() as connection:
        rows = connection.execute(
            "SELECT t.task_id, t.encounter_id, t.batch, s.answer, s.accept, s.answered_at"
            " FROM standing s JOIN tasks t ON t.task_id = s.task_id"
            " WHERE s.annotator = :annotator AND s.adjudicates = 0"
            " AND (:batch IS NULL OR t.batch = :batch)"
            " ORDER BY s.answered_at DESC, s.position DESC, s.key DESC LIMIT :limit",
            {"annotator": annotator, "batch": batch, "limit": limit},
        )
        return [
            Past(task_id, encounter_id, batch, Verdict(verdict), len(load_flags(accept)), at)
            for task_id, encounter_id, batch, verdict, accept, at in rows
        ]


_WORK = """
SELECT
    count(*),
    coalesce(sum(mine), 0),
    coalesce(sum(given >= overlap), 0),
    coalesce(sum(is_open AND NOT mine AND others < overlap), 0),
    coalesce(sum(is_open AND NOT mine AND others >= overlap AND given < overlap), 0)
FROM (
    SELECT b.overlap AS overlap,
        t.closed_at IS NULL AND b.held_until <= :now AS is_open,
        (SELECT count(*) FROM standing s WHERE s.task_id = t.task_id AND s.adjudicates = 0)
            AS given,
        EXISTS (SELECT 1 FROM standing s WHERE s.task_id = t.task_id
            AND s.annotator = :annotator AND s.adjudicates = 0) AS mine,
        (SELECT count(*) FROM (
            SELECT annotator FROM standing s WHERE s.task_id = t.task_id
            UNION
            SELECT annotator FROM leases l WHERE l.task_id = t.task_id AND l.expires_at > :now
        ) WHERE annotator <> :annotator) AS others
    FROM tasks t JOIN batches b ON b.batch = t.batch
    WHERE (t.closed_at IS NULL OR EXISTS (SELECT 1 FROM standing s WHERE s.task_id = t.task_id))
        {of_batch}
)
"""


def work_of(store: AnnotationStore, annotator: str, batch: str | None = None) -> Work:
    """How far an annotator is, in one batch or in all."""
    values = {"annotator": annotator, "batch": batch, "now": store.now()}
    query = _WORK.format(of_batch="" if batch is None else "AND t.batch = :batch")
    with store.database.read() as connection:
        tasks, answered, finished, left, elsewhere = connection.execute(query, values).fetchone()
        times = connection.execute(
            "SELECT answered_at FROM answers WHERE annotator = ? AND answer <> 'undo'"
            " AND adjudicates = 0 ORDER BY answered_at DESC LIMIT ?",
            (annotator, PACE_ANSWERS + 1),
        )
        gaps = working_gaps([at for (at,) in times][::-1])
    pace = median(gaps) if gaps else None
    return Work(answered, left, elsewhere, tasks, finished, pace)
