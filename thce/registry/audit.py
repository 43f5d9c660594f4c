"""The audit step: labels that are probably wrong go to a person once more."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import Field

from thce.annotations.defaults import default_store
from thce.annotations.prodigy import HOLD_SECONDS, export_tasks
from thce.annotations.states import Block
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask
from thce.config import Config
from thce.errors import InputError
from thce.evaluation.confident_learning import Audit, Suspect, audit
from thce.paths import is_remote, resolve
from thce.registry.crossval_report import OUT_OF_FOLD_FILE
from thce.registry.hydrated import matrix, read
from thce.registry.labels import FLAG_NAMES, FLAGS, Cells

STRATEGY = "label_audit"
REVIEWABLE = (Block.ANSWERED, Block.MERGED)
"""What keeps a note from being sampled, and not from being reviewed: that it was answered."""


class AuditConfig(Config):
    """Which labels are audited, and where the notes to look at again go.

    Attributes:
        crossval: the folder of a finished cross-validation over the labels.
        source: whose out-of-fold probability counts: model and rules together, or the model.
        store: the annotation store; by default the one under THCE_HOME.
        limit: notes put before a person again; 0 only reports.
        batch: the batch's name; by default derived from what was chosen.
        output: JSON lines for Prodigy; none where people answer in the store's own page.
        hold_hours: how long the notes of a file are not handed out elsewhere.
    """

    crossval: str
    source: Literal["joint", "model"] = "joint"
    store: str | None = None
    limit: int = Field(50, ge=0)
    batch: str | None = None
    output: str | None = None
    hold_hours: float = Field(HOLD_SECONDS / 3600, ge=0)


@dataclass(frozen=True)
class OutOfFold:
    """Given labels beside what models say that did not learn from them, by encounter.

    Attributes:
        encounter_ids: one per note.
        probability: (n, 29), the mean over repetitions.
        label: (n, 29).
    """

    encounter_ids: list[str]
    probability: NDArray[np.float64]
    label: Cells


def run(config: AuditConfig) -> dict[str, Any]:
    """Finds the labels that are probably wrong, and opens review tasks for their notes.

    A review task asks only about the suspected flags and is blind: neither the given label nor
    the model's opinion is shown. It is made for answered notes too, which are never sampled
    again otherwise; the same annotator's new answer replaces the old one, another's is compared
    with it. Notes on screen, in a file handed out or deleted on request are passed over.

    Returns:
        `suspects` with encounter, flag, given label and probability, `flags` with the estimated
        wrong labels of each, the `batch` and its `tasks`; without a task no batch is opened and
        no file written.

    Raises:
        InputError: the folder holds no finished cross-validation, or the output is not local.
    """
    if config.output and is_remote(config.output):
        raise InputError("output: Prodigy reads a local file; give a local path")
    rows = read_out_of_fold(config.crossval, config.source)
    found = audit(rows.probability, rows.label)
    report: dict[str, Any] = {
        "notes": len(rows.encounter_ids),
        "source": config.source,
        "flags": _flags(found),
        "suspects": [_describe(rows, one) for one in found.suspects],
        "batch": None,
        "tasks": 0,
    }
    if config.limit and found.suspects:
        report |= _queue(config, rows, found)
    return report


def read_out_of_fold(crossval: str, source: str) -> OutOfFold:
    """The out-of-fold file of a cross-validation, repetitions averaged.

    Raises:
        InputError: it is not there.
    """
    path = Path(resolve(crossval)) / OUT_OF_FOLD_FILE
    if not path.is_file():
        raise InputError(f"{path}: not there; run `thce registry crossval` to its end")
    table = pq.read_table(path)
    column = "joint_probabilities" if source == "joint" else "probabilities"
    names, first, row = np.unique(
        table["encounter_id"].to_numpy(), return_index=True, return_inverse=True
    )
    total = np.zeros((len(names), len(FLAG_NAMES)))
    np.add.at(total, row, matrix(table, column))
    return OutOfFold(
        encounter_ids=names.tolist(),
        probability=total / np.bincount(row)[:, None],
        label=matrix(table, "label")[first],
    )


def review_tasks(
    rows: OutOfFold, suspects: Sequence[Suspect], texts: dict[str, str]
) -> list[NewTask]:
    """One blind task per suspected note, the most suspicious first, about its suspected flags."""
    of_note: dict[int, list[Suspect]] = defaultdict(list)
    for one in suspects:
        of_note[one.row].append(one)
    tasks = []
    for row, suspected in of_note.items():
        by_flag = sorted(suspected, key=lambda one: one.column)
        name = rows.encounter_ids[row]
        meta = {
            "strategy": STRATEGY,
            "reason": "the given label is probably wrong",
            "suspects": [_describe(rows, one) for one in suspected],
        }
        tasks.append(
            NewTask(
                encounter_id=name,
                text=texts[name],
                options=tuple(FLAGS[one.column] for one in by_flag),
                prefill=tuple(FLAGS[one.column] for one in by_flag if one.given),
                meta=meta,
                blind=True,
            )
        )
    return tasks


def _queue(config: AuditConfig, rows: OutOfFold, found: Audit) -> dict[str, Any]:
    notes = read(str(Path(resolve(config.crossval)) / "hydrated"), ("encounter_id", "text"))
    texts = dict(zip(notes["encounter_id"].to_pylist(), notes["text"].to_pylist(), strict=True))
    path = resolve(config.store) if config.store else default_store()
    with AnnotationStore.open(path, create=True) as store:
        blocked = store.blocked(rows.encounter_ids)
        tasks = [
            task
            for task in review_tasks(rows, found.suspects, texts)
            if blocked.get(task.encounter_id, Block.ANSWERED) in REVIEWABLE
        ][: config.limit]
        if not tasks:
            return {}
        batch = config.batch or _batch_name(tasks)
        store.prepare(batch, tasks)
        output = resolve(config.output) if config.output else None
        if output:
            export_tasks(store, batch, output, hold_seconds=config.hold_hours * 3600)
    return {"batch": batch, "tasks": len(tasks), "store": str(path), "output": output}


def _batch_name(tasks: Sequence[NewTask]) -> str:
    content = "\0".join(f"{task.encounter_id}{task.options}" for task in tasks)
    return f"audit-{sha256(content.encode()).hexdigest()[:8]}"


def _describe(rows: OutOfFold, one: Suspect) -> dict[str, Any]:
    return {
        "encounter_id": rows.encounter_ids[one.row],
        "flag": FLAG_NAMES[one.column],
        "given": one.given,
        "probability": round(one.probability, 4),
        "margin": round(one.margin, 4),
    }


def _flags(found: Audit) -> dict[str, dict[str, Any]]:
    """Per flag the confident joint, and estimated wrong labels among false and true ones."""
    return {
        name: {
            "given_false_likely_true": int(found.joint[column, 0, 1]),
            "given_true_likely_false": int(found.joint[column, 1, 0]),
            "estimated_missed": round(float(found.errors[column, 0]), 2),
            "estimated_wrong": round(float(found.errors[column, 1]), 2),
        }
        for column, name in enumerate(FLAG_NAMES)
    }
