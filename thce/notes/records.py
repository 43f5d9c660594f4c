"""The rows of one chunk, as plain values, with their line numbers."""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.spec import AbstractBufferedFile

from thce.errors import InputError
from thce.notes.chunks import Chunk
from thce.notes.limits import MAX_LINE_BYTES, MAX_TEXT_CHARACTERS
from thce.notes.rows import FIELDS, TEXT_FIELDS

_ROWS_AT_ONCE = 1024


class Record(NamedTuple):
    """A row: its values, or the reason why it has none.

    `line` counts from 1: lines from the start of a JSONL chunk, lines of a CSV file, rows of a
    Parquet file. A line of a JSONL file that is blank has neither values nor a reason.
    """

    line: int
    values: dict[str, Any] | None
    reason: str | None


def records(chunk: Chunk) -> Iterator[Record]:
    """The rows of a chunk in order; never more than one row of text in memory.

    Raises:
        InputError: the file as a whole cannot be read.
    """
    readers = {"jsonl": _json_lines, "csv": _csv_rows, "parquet": _parquet_rows}
    try:
        with _opened(chunk) as handle:
            yield from readers[chunk.kind](handle, chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InputError(f"{chunk.name}: the gzip file is damaged or cut off") from None
    except pa.ArrowException:
        raise InputError(f"{chunk.name}: the Parquet file is damaged") from None
    except OSError as error:
        raise InputError(f"{chunk.name}: {error.strerror or type(error).__name__}") from None


@contextmanager
def _opened(chunk: Chunk) -> Iterator[IO[bytes]]:
    with fsspec.open(chunk.url, "rb").open() as file:
        # Files of object stores take no limit in readline.
        ranged = isinstance(file, AbstractBufferedFile)
        handle = io.BufferedReader(file) if ranged else file
        if chunk.zipped:
            with gzip.GzipFile(fileobj=handle) as unzipped:
                yield unzipped  # type: ignore[misc]
        else:
            yield handle


def _json_lines(handle: IO[bytes], chunk: Chunk) -> Iterator[Record]:
    position = chunk.start
    if chunk.start:
        # A line that began before this chunk belongs to the one before.
        handle.seek(chunk.start - 1)
        position = chunk.start - 1 + _skip_line(handle)
    number = 0
    while chunk.stop is None or position < chunk.stop:
        line = handle.readline(MAX_LINE_BYTES)
        if not line:
            return
        number += 1
        position += len(line)
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            position += _skip_line(handle)
            yield Record(number, None, f"the line is longer than {MAX_LINE_BYTES} bytes")
            continue
        if position == len(line):
            line = line.removeprefix(b"\xef\xbb\xbf")
        yield _json_record(number, line)


def _skip_line(handle: IO[bytes]) -> int:
    """Reads to the end of the line; the number of bytes."""
    skipped = 0
    while piece := handle.readline(MAX_LINE_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


def _json_record(number: int, line: bytes) -> Record:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return Record(number, None, "not UTF-8 text")
    if not text.strip():
        return Record(number, None, None)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return Record(number, None, "not valid JSON")
    if not isinstance(values, dict):
        return Record(number, None, "expected a JSON object")
    return Record(number, values, None)


def _csv_rows(handle: IO[bytes], chunk: Chunk) -> Iterator[Record]:
    csv.field_size_limit(2 * MAX_TEXT_CHARACTERS)
    # Bytes that are not UTF-8 become lone surrogates, which the row's own check then names.
    text = io.TextIOWrapper(handle, "utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error:
        raise InputError(f"{chunk.name}:1: the header is not valid CSV") from None
    if header and not set(TEXT_FIELDS) & set(header):
        raise InputError(
            f"{chunk.name}:1: no column of notes; name it {', '.join(TEXT_FIELDS)} in the header"
        )
    known = [name for name in header if name in FIELDS]
    if len(set(known)) < len(known):
        raise InputError(f"{chunk.name}:1: a column is named twice; keep one of each name")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            yield Record(line, None, "not valid CSV: check the quotes")
            continue
        if cells is None:
            return
        if cells and len(cells) != len(header):
            yield Record(line, None, f"{len(cells)} cells under {len(header)} column names")
        elif cells:
            yield Record(line, dict(zip(header, cells, strict=True)), None)


def _parquet_rows(handle: IO[bytes], chunk: Chunk) -> Iterator[Record]:
    source = pq.ParquetFile(handle)
    columns = [name for name in source.schema_arrow.names if name in FIELDS]
    groups = list(range(chunk.start, chunk.stop or source.metadata.num_row_groups))
    number = chunk.first_row
    for batch in source.iter_batches(_ROWS_AT_ONCE, row_groups=groups, columns=columns):
        for values in batch.to_pylist():
            number += 1
            yield Record(number, values, None)
