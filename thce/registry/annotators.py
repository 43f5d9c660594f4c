"""Who answers a batch of the loop: gold labels, people through a file, or people at the page."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from thce.annotations.store import AnnotationStore
from thce.progress import say
from thce.registry.labels import Cells, Flag, names_from_cells

AnnotatorKind = Literal["oracle", "file", "page"]

ORACLE = "oracle (the shipped gold labels)"
"""What reports call it: nobody looked at these notes during the run."""

CALLED: dict[AnnotatorKind, str] = {
    "oracle": ORACLE,
    "file": "people, through answer files",
    "page": "people, on the annotation page",
}
"""What reports call each."""

LOOK_SECONDS, SAY_SECONDS = 1.0, 60.0


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


def wait_for_page(path: Path, batches: Sequence[str], bundle: Path) -> None:
    """Returns once people have answered every open task of these batches on the annotation page.

    It only watches the store: it can be stopped and called again at any time.

    Args:
        path: the annotation store.
        batches: those that are asked about.
        bundle: the model that drew them, which the page can show the evidence of.
    """
    command = f"thce annotations page --store {path} --model {bundle}"
    with AnnotationStore.open(path) as store:
        left = _unfinished(store, batches)
        if left:
            say("loop", f"{left} notes wait at the annotation page: {command}")
            say("loop", "stop and run the same command again as you like; nothing is lost")
        said, told = left, time.monotonic()
        while left := _unfinished(store, batches):
            if left != said and time.monotonic() - told > SAY_SECONDS:
                say("loop", f"{left} notes wait at the annotation page")
                said, told = left, time.monotonic()
            time.sleep(LOOK_SECONDS)
        disputed = {conflict.encounter_id for conflict in store.conflicts()}
    if disputed:
        say("loop", f"annotators disagree on {len(disputed)} notes: those flags stay unknown")


def _unfinished(store: AnnotationStore, batches: Sequence[str]) -> int:
    return sum(store.unfinished(batch) for batch in batches)
