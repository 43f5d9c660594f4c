"""The rival of hydration on Ray: plain processes, each with its share of the lines."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet

BATCH_ROWS = 64
LOADING_SECONDS = 120.0


def hydrate_in_processes(notes: Path, folder: Path, processes: int) -> None:
    """Reads, prepares, hydrates and writes JSON lines in so many processes.

    They begin together, once the last of them has loaded.

    Each parses its lines once, keeps no quarantine and looks for no repeated encounters, which
    ours does: it is the least that a script would do for the same rows.

    Args:
        notes: JSON lines, one contiguous share of which goes to each process.
        folder: gets one Parquet file a process, in the order of the lines by name.
        processes: as many as there are cores.

    Raises:
        RuntimeError: a process failed.
    """
    context = multiprocessing.get_context("spawn")
    size = notes.stat().st_size
    bounds = [size * rank // processes for rank in range(processes + 1)]
    loaded = context.Barrier(processes)
    workers = [
        context.Process(
            target=_hydrate_share,
            args=(
                notes,
                (bounds[rank], bounds[rank + 1]),
                loaded,
                folder / f"plain-{rank:05}.parquet",
            ),
        )
        for rank in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a plain process failed; its traceback is above")


def _hydrate_share(notes: Path, share: tuple[int, int], loaded: Any, target: Path) -> None:
    """The lines that begin in a range of bytes."""
    from thce.notes.rows import parse_row, to_table
    from thce.registry.hydrate_ray import prepare_and_hydrate

    loaded.wait(timeout=LOADING_SECONDS)
    start, stop = share
    writer: parquet.ParquetWriter | None = None
    batch = []
    with notes.open("rb") as handle:
        if start:
            handle.seek(start - 1)
            handle.readline()
        while handle.tell() < stop and (line := handle.readline()):
            batch.append(parse_row(json.loads(line)))
            if len(batch) == BATCH_ROWS:
                writer = _write(writer, target, prepare_and_hydrate(to_table(batch)))
                batch = []
    if batch:
        writer = _write(writer, target, prepare_and_hydrate(to_table(batch)))
    if writer is not None:
        writer.close()


def _write(
    writer: parquet.ParquetWriter | None, target: Path, table: pa.Table
) -> parquet.ParquetWriter:
    writer = writer or parquet.ParquetWriter(target, table.schema)
    writer.write_table(table)
    return writer
