"""Reading notes with Ray: the same two passes as `thce.notes.read`, their chunks on the cluster."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from thce.notes.chunks import CHUNK_BYTES, Chunk
from thce.notes.limits import MAX_BAD_PERCENT
from thce.notes.read import (
    ReadPlan,
    ScannedChunk,
    chunk_tables,
    plan_read,
    scan_chunk,
)
from thce.notes.rows import READ_SCHEMA

if TYPE_CHECKING:
    from ray.data import Dataset


def read_dataset(
    path: str,
    *,
    quarantine: str | None,
    max_bad_percent: float = MAX_BAD_PERCENT,
    chunk_bytes: int = CHUNK_BYTES,
) -> Dataset:
    """Reads notes as a lazy Ray Dataset; rows, order and errors are those of `read_notes`.

    The scan runs at once, as one task a chunk, and returns 24 bytes a row to the caller, who
    writes the quarantine and refuses an input of which too much is bad. The notes themselves are
    read as the dataset is consumed, block by block: neither pass holds the input in memory.

    Args:
        path: see `read_notes`; on several machines it must be reachable from each of them.
        quarantine: see `read_notes`; written by the caller's machine.
        max_bad_percent: see `read_notes`.
        chunk_bytes: size of the chunks that big files are cut into, one task each.

    Raises:
        InputError: see `read_notes`.
    """
    plan = plan_read(
        path,
        quarantine=quarantine,
        max_bad_percent=max_bad_percent,
        chunk_bytes=chunk_bytes,
        scan=scan_with_ray,
    )
    return dataset_of(plan)


def scan_with_ray(chunks: Sequence[Chunk]) -> list[ScannedChunk]:
    """Scans chunks as Ray tasks; results in the order of the chunks."""
    import ray

    from thce.engine import input_errors

    scan = ray.remote(scan_chunk)
    with input_errors():
        return ray.get([scan.remote(chunk) for chunk in chunks])


def dataset_of(plan: ReadPlan) -> Dataset:
    """The planned notes as a Ray Dataset in the order of file and line."""
    from thce.engine import items_dataset

    parts = [
        {"part": json.dumps({"chunk": chunk.as_dict(), "left_out": sorted(left_out)})}
        for chunk, left_out in zip(plan.chunks, plan.left_out, strict=True)
    ]
    dataset = items_dataset(parts)
    dataset.context.execution_options.preserve_order = True
    return dataset.map_batches(_read_parts, batch_size=None, batch_format="pyarrow")


def _read_parts(parts: pa.Table) -> Iterator[pa.Table]:
    from thce.engine import quiet_failures

    quiet_failures()
    for text in parts.column("part").to_pylist():
        part = json.loads(text)
        # A block needs its columns even where every row of the chunk was bad.
        yield READ_SCHEMA.empty_table()
        yield from chunk_tables(Chunk(**part["chunk"]), frozenset(part["left_out"]))
