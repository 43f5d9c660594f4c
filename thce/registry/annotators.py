"""Who answers a batch of the loop: the shipped gold labels, or a file of people's answers."""

from collections.abc import Mapping
from typing import Literal

from thce.annotations.store import AnnotationStore
from thce.registry.labels import Cells, Flag, names_from_cells

AnnotatorKind = Literal["oracle", "file"]

ORACLE = "oracle (the shipped gold labels)"
"""What reports call it: nobody looked at these notes during the run."""


def answer_by_oracle(store: AnnotationStore, batch: str, gold: Mapping[str, Cells]) -> int:
    """Answers every open task of a batch with its gold labels; returns how many.

    Answering a batch again, as a run does that was killed meanwhile, adds no answer.

    Args:
        store: the annotation store.
        batch: the batch to answer.
        gold: 29 cells per encounter id.
    """
    tasks = store.tasks(batch)
    for task in tasks:
        accept = [Flag(name) for name in names_from_cells(gold[task.encounter_id])]
        store.answer(task.task_id, "oracle", accept, key=f"oracle {task.task_id}")
    return len(tasks)
