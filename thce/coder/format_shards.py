"""One shard of a stage: its rows made, counted and written. A plain function on a plan's part."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from thce.coder.examples import Example
from thce.coder.gates import GateCounts, GateLimits, count
from thce.coder.mixture import MixtureConfig, StagePlan
from thce.coder.mixture_sources import open_sources
from thce.coder.rows import stage_table
from thce.notes.outputs import open_output


@dataclass(frozen=True)
class Shard:
    """A part of a stage's plan.

    Attributes:
        stage: 1, 2 or 3.
        path: the Parquet file to write.
        sources: (rows,) index of each row's source.
        places: (rows,) place in it.
    """

    stage: int
    path: str
    sources: NDArray[np.int16]
    places: NDArray[np.int64]


def shards_of(plan: StagePlan, folder: str, rows: int) -> list[Shard]:
    """Cuts a plan into shards of so many rows."""
    return [
        Shard(
            plan.stage,
            f"{folder}/stage_{plan.stage}/part-{number:05}.parquet",
            plan.sources[start : start + rows],
            plan.places[start : start + rows],
        )
        for number, start in enumerate(range(0, len(plan.sources), rows))
    ]


def shard_table(config: MixtureConfig, shard: Shard) -> pa.Table:
    """The rows of a shard, in the plan's order."""
    made: list[Example | None] = [None] * len(shard.sources)
    for number, source in enumerate(open_sources(config)):
        rows = np.flatnonzero(shard.sources == number)
        examples = source.examples(shard.places[rows].tolist(), shard.stage)
        for row, example in zip(rows.tolist(), examples, strict=True):
            made[row] = example
    return stage_table(shard.stage, [example for example in made if example is not None])


def write_shard(config: MixtureConfig, shard: Shard, limits: GateLimits) -> GateCounts:
    """Makes, writes and counts a shard."""
    table = shard_table(config, shard)
    with open_output(shard.path, "wb") as handle:
        pq.write_table(table, handle)
    return count(shard.stage, table, limits)


def plain_counts(config: MixtureConfig, shards: list[Shard], limits: GateLimits) -> GateCounts:
    """Writes shards one after another in this process."""
    counts = GateCounts()
    for shard in shards:
        counts.add(write_shard(config, shard, limits))
    return counts


def stage_report(wanted: int, counts: GateCounts, gates: dict[str, Any]) -> dict[str, Any]:
    """What the report says of a stage."""
    return {
        "rows": counts.rows,
        "wanted": wanted,
        "by_source": dict(sorted(counts.by_source.items())),
        "languages": dict(counts.languages),
        "gates": gates,
        "passed": all(gate["passed"] for gate in gates.values()),
    }
