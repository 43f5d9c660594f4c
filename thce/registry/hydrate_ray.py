"""The hydrate step on Ray Data: read, prepare, label; Parquet parts and what was found."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from thce.config import Config
from thce.notes.chunks import QUARANTINE_NAME, find_chunks
from thce.notes.limits import MAX_BAD_PERCENT
from thce.notes.outputs import open_output, require_replaceable
from thce.notes.prepare import prepare_table
from thce.paths import is_remote, resolve
from thce.registry.cpt_map import cpt_signal
from thce.registry.hydrate import hydrate_table
from thce.registry.hydrated import matrix
from thce.registry.labels import FLAG_NAMES, TRUE, Tier

if TYPE_CHECKING:
    from ray.data import Dataset

    from thce.notes.read import ReadPlan

PART_ROWS = 20_000


class HydrateConfig(Config):
    """What is hydrated, and where it goes.

    Attributes:
        input: notes: file, folder, glob or fsspec URL.
        output: the folder of Parquet parts, local or fsspec; replaced whole where it is local.
        quarantine: where bad rows are listed; by default quarantine.jsonl in the output.
        max_bad: the most bad input rows, in percent.
    """

    input: str
    output: str
    quarantine: str | None = None
    max_bad: float = Field(default=MAX_BAD_PERCENT, ge=0, le=100)


@dataclass
class _Tally:
    """What the report counts, part by part."""

    rows: int = 0
    procedure_notes: int = 0
    true_cells: dict[Tier, np.ndarray] = field(default_factory=dict)
    disputed: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    not_codes: int = 0

    def add(self, table: pa.Table) -> None:
        self.rows += len(table)
        self.procedure_notes += sum(table["procedure_note"].to_pylist())
        label, tier = matrix(table, "label"), matrix(table, "tier")
        for source in (Tier.STRUCTURED, Tier.CPT, Tier.KEYWORD):
            found = ((label == TRUE) & (tier == source)).sum(axis=0)
            self.true_cells[source] = self.true_cells.get(source, 0) + found
        self.disputed.update(code for row in table["disputed_codes"].to_pylist() for code in row)
        for codes in table["cpt_codes"].to_pylist():
            signal = cpt_signal(codes)
            self.unknown.update(signal.unknown_codes)
            self.not_codes += signal.not_codes

    def report(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "procedure_notes": self.procedure_notes,
            "other_notes": self.rows - self.procedure_notes,
            "true_cells": {
                tier.name.lower(): {
                    flag: int(count)
                    for flag, count in zip(FLAG_NAMES, counts, strict=True)
                    if count
                }
                for tier, counts in self.true_cells.items()
            },
            "disputed_codes": dict(sorted(self.disputed.items())),
            "unknown_codes": dict(sorted(self.unknown.items())),
            "not_codes": self.not_codes,
        }


def run(config: HydrateConfig) -> dict[str, Any]:
    """Hydrates every note of the input.

    Rows come in the order of the input's files and lines, in parts of 20,000: the same bytes
    whatever the number of shards and workers.

    Returns:
        Rows, procedure notes, true cells per tier and flag, disputed and unknown codes, how many
        entries are no codes, bad rows, output and quarantine.

    Raises:
        InputError: the input is not readable, too much of it is bad, or a form is not valid.
    """
    from thce.engine import start_ray
    from thce.notes.read import plan_read
    from thce.notes.read_ray import scan_with_ray

    find_chunks(config.input)  # a wrong path is said before Ray is started
    output = resolve(config.output)
    staging = output if is_remote(output) else f"{output}.tmp"
    if not is_remote(output):
        require_replaceable("output", Path(output), ("part-*.parquet", QUARANTINE_NAME))
        shutil.rmtree(staging, ignore_errors=True)
    start_ray()
    quarantine = config.quarantine or f"{staging}/{QUARANTINE_NAME}"
    plan = plan_read(
        config.input, quarantine=quarantine, max_bad_percent=config.max_bad, scan=scan_with_ray
    )
    dataset = hydrated_dataset(plan)
    tally = _Tally()
    try:
        for number, table in enumerate(_parts(dataset)):
            tally.add(table)
            with open_output(f"{staging}/part-{number:05}.parquet", "wb") as handle:
                pq.write_table(table, handle)
        if not is_remote(output):
            shutil.rmtree(output, ignore_errors=True)
            Path(staging).rename(output)
    finally:
        if not is_remote(output):
            shutil.rmtree(staging, ignore_errors=True)
    return tally.report() | {
        "bad": plan.counts.bad,
        "duplicates": plan.counts.duplicates,
        "output": output,
        "quarantine": config.quarantine or f"{output}/{QUARANTINE_NAME}",
    }


def hydrated_dataset(plan: "ReadPlan") -> "Dataset":
    """The planned notes, hydrated, as a lazy Ray Dataset: a task a chunk, in their order.

    With a batch size of its own Ray would gather as many chunks of the input into one task.
    """
    from thce.notes.read_ray import dataset_of

    return dataset_of(plan).map_batches(
        prepare_and_hydrate, batch_size=None, batch_format="pyarrow"
    )


def prepare_and_hydrate(notes: pa.Table) -> pa.Table:
    """Read rows -> hydrated rows with `text`."""
    prepared, _ = prepare_table(notes)
    return hydrate_table(prepared)


def _parts(dataset: Any) -> Iterator[pa.Table]:
    """Tables of PART_ROWS rows in order.

    Raises:
        InputError: what a worker said of a row.
    """
    from thce.engine import input_errors

    with input_errors():
        yield from dataset.iter_batches(batch_size=PART_ROWS, batch_format="pyarrow")
