"""`thce coder check-data`: the gates over rows on disk, whoever wrote them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from thce.coder.format_shards import stage_report
from thce.coder.gates import GateCounts, GateLimits, count, verdict
from thce.coder.rows import schema_of
from thce.config import Config
from thce.errors import InputError
from thce.files import read_jsonl
from thce.paths import resolve

BATCH = 5_000


class CheckDataConfig(Config):
    """What is checked.

    Attributes:
        stage: 1, 2 or 3.
        input: the output of the format step, a folder of Parquet parts, or one JSONL or Parquet
            file of a stage's rows.
        limits: from where a gate fails.
    """

    stage: Literal[1, 2, 3]
    input: str = "$THCE_HOME/coder/mixture"
    limits: GateLimits = GateLimits()


def run(config: CheckDataConfig) -> dict[str, Any]:
    """Counts over all rows and applies the gates.

    Returns:
        Rows by source, the gates, and whether all hold.

    Raises:
        InputError: nothing readable lies there, or rows are not of the stage's form.
    """
    counts = GateCounts()
    for table in _tables(config):
        counts.add(count(config.stage, table, config.limits))
    gates = verdict(config.stage, counts, config.limits)
    return {"stage": config.stage, "input": config.input} | stage_report(counts.rows, counts, gates)


def _tables(config: CheckDataConfig) -> Iterator[pa.Table]:
    path = Path(resolve(config.input))
    if (path / f"stage_{config.stage}").is_dir():
        path = path / f"stage_{config.stage}"
    if path.is_dir():
        files = sorted([*path.glob("*.parquet"), *path.glob(f"stage_{config.stage}*.jsonl")])
        if not files:
            raise InputError(f"input: {path}: holds no rows of stage {config.stage}")
    elif path.exists():
        files = [path]
    else:
        raise InputError(f"input: {path}: no such file or folder; run `thce coder format` first")
    for file in files:
        yield from _read(file, config.stage)


def _read(file: Path, stage: int) -> Iterator[pa.Table]:
    schema = schema_of(stage)
    try:
        if file.suffix == ".jsonl":
            rows = read_jsonl(file)
            for number, row in enumerate(rows, start=1):
                for name in schema.names:
                    if not row.get(name):
                        raise InputError(f"{file}: row {number}: field {name!r} is missing")
            yield pa.Table.from_pylist(rows, schema=schema)
            return
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(BATCH):
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)
    except (pa.ArrowException, KeyError, TypeError):
        raise InputError(f"{file}: not rows of stage {stage}; see docs/data.md") from None
