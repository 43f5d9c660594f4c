"""The notes step: read, prepare, write. What it leaves has no bad rows and no raw text."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.notes.chunks import QUARANTINE_NAME, find_chunks
from thce.notes.limits import MAX_BAD_PERCENT
from thce.notes.outputs import open_output
from thce.notes.prepare import prepare_table
from thce.notes.read import plan_read, plan_tables
from thce.notes.rows import READ_SCHEMA
from thce.paths import resolve

PREPARED_SCHEMA = pa.schema(
    [field.with_name("text") if field.name == "note_text" else field for field in READ_SCHEMA]
)

WriteTable = Callable[[pa.Table], None]


class PrepareConfig(Config):
    """Reads notes and writes them prepared.

    `output` ends in .parquet or .jsonl. `quarantine` is by default quarantine.jsonl beside it.
    `max_bad` is a percentage.
    """

    input: str
    output: str
    quarantine: str | None = None
    max_bad: float = Field(default=MAX_BAD_PERCENT, ge=0, le=100)


def run(config: PrepareConfig) -> dict[str, Any]:
    """Prepares notes, some thousand at a time, so that memory does not grow with the input.

    Returns:
        Row counts, identifiers replaced by kind, and where output and quarantine lie.

    Raises:
        InputError: the input is not readable, too much of it is bad, or the output is of no
            known kind or one of the inputs.
    """
    output = resolve(config.output)
    if not output.endswith((".parquet", ".jsonl")):
        raise InputError(f"output: {config.output}: end it in .parquet or .jsonl")
    if output in {chunk.name for chunk in find_chunks(config.input)}:
        raise InputError(f"output: {config.output} is one of the inputs; give another path")
    quarantine = resolve(config.quarantine or f"{output.rpartition('/')[0]}/{QUARANTINE_NAME}")
    if quarantine == output:
        raise InputError(f"quarantine: {config.quarantine} is the output; give another path")
    plan = plan_read(config.input, quarantine=quarantine, max_bad_percent=config.max_bad)
    identifiers: Counter[str] = Counter()
    with _writer(output) as write:
        for table in plan_tables(plan):
            prepared, found = prepare_table(table)
            identifiers += found
            write(prepared)
    return {
        "rows": plan.counts.rows,
        "prepared": plan.counts.read,
        "bad": plan.counts.bad,
        "duplicates": plan.counts.duplicates,
        "identifiers": dict(sorted(identifiers.items())),
        "output": output,
        "quarantine": quarantine,
    }


@contextmanager
def _writer(output: str) -> Iterator[WriteTable]:
    if output.endswith(".parquet"):
        with (
            open_output(output, "wb") as handle,
            pq.ParquetWriter(handle, PREPARED_SCHEMA) as writer,
        ):
            yield writer.write_table
    else:
        with open_output(output, "w") as handle:
            yield lambda table: _write_json_lines(handle, table)


def _write_json_lines(handle: IO[str], table: pa.Table) -> None:
    for row in table.to_pylist():
        if row["structured"] is not None:
            row["structured"] = json.loads(row["structured"])
        handle.write(json.dumps(row, ensure_ascii=False) + "\n")
