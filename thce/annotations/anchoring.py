"""What people accept where they saw the prefill and where it was hidden, from the store."""

import sqlite3
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import load_flags
from thce.evaluation.anchoring import BLIND, SHOWN, Anchoring, measure_pull
from thce.evaluation.rate_differences import SUCCESSES, TRIALS
from thce.registry.labels import FLAG_NAMES, N_FLAGS, Flag

# A task without meta was adopted from another program's file: nobody here knows its prefill.
_ANSWERS = """
SELECT t.batch, t.task_id, t.blind, t.prefill, s.annotator, s.options, s.accept
FROM standing s JOIN tasks t ON t.task_id = s.task_id
WHERE s.answer = 'accept' AND s.adjudicates = 0 AND t.meta <> '{}'
ORDER BY t.batch, t.number, s.annotator
"""


@dataclass
class _Batch:
    """The answered tasks of one batch.

    Attributes:
        blind: per task, whether its prefill was hidden.
        annotators: who answered.
        ticked: per task (29, 2, 2) of the cells that the prefill ticks.
        unticked: per task (29, 2, 2) of the other cells asked.
    """

    blind: dict[str, bool] = field(default_factory=dict)
    annotators: set[str] = field(default_factory=set)
    ticked: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    unticked: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def is_experiment(self) -> bool:
        """Whether both kinds of task were answered; otherwise the batch compares nothing."""
        return len(set(self.blind.values())) == 2

    def add(
        self,
        task_id: str,
        blind: bool,
        prefill: tuple[Flag, ...],
        options: tuple[Flag, ...],
        accept: tuple[Flag, ...],
    ) -> None:
        """Counts the cells of one answer."""
        self.blind[task_id] = blind
        arm = BLIND if blind else SHOWN
        for counts, inside in ((self.ticked, True), (self.unticked, False)):
            cells = counts.setdefault(task_id, np.zeros((N_FLAGS, 2, 2), np.int64))
            asked = [flag for flag in options if (flag in prefill) == inside]
            cells[[flag.position for flag in asked], arm, TRIALS] += 1
            accepted = [flag.position for flag in asked if flag in accept]
            cells[accepted, arm, SUCCESSES] += 1


def measure_anchoring(store: AnnotationStore) -> Anchoring | None:
    """The pull of the prefill on the people who answered, over all batches with blind tasks.

    Latest answers count, ignored and rejected ones and adjudications do not.

    Returns:
        None while no batch has an answered blind task beside an answered task with prefill.
    """
    with store.database.read() as connection:
        batches = [batch for batch in _batches(connection) if batch.is_experiment]
    if not batches:
        return None
    blind = [hidden for batch in batches for hidden in batch.blind.values()]
    return Anchoring(
        shown_notes=blind.count(False),
        blind_notes=blind.count(True),
        annotators=tuple(sorted(set().union(*(batch.annotators for batch in batches)))),
        ticked=measure_pull(
            [np.stack(list(batch.ticked.values())) for batch in batches], FLAG_NAMES
        ),
        unticked=measure_pull(
            [np.stack(list(batch.unticked.values())) for batch in batches], FLAG_NAMES
        ),
    )


def _batches(connection: sqlite3.Connection) -> list[_Batch]:
    found: dict[str, _Batch] = {}
    for name, task_id, blind, prefill, annotator, options, accept in connection.execute(_ANSWERS):
        batch = found.setdefault(name, _Batch())
        batch.annotators.add(annotator)
        batch.add(
            task_id, bool(blind), load_flags(prefill), load_flags(options), load_flags(accept)
        )
    return list(found.values())
