"""Human labels as a CSV file: `encounter_id` and the 29 flags, each 1, 0 or empty for unknown."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from thce.annotations.human_labels import SCHEMA, HumanLabels, table_of
from thce.annotations.store import AnnotationStore
from thce.errors import InputError
from thce.files import atomic_open
from thce.registry.labels import FALSE, FLAG_NAMES, TRUE, UNKNOWN, Cells, validate_schema

_CELLS = {"1": TRUE, "0": FALSE, "": UNKNOWN}
_ID = "encounter_id"


def export_labels(store: AnnotationStore, path: str | Path) -> HumanLabels:
    """Writes the store's human labels, a note without any true flag included.

    The file is replaced whole or not at all, and the same labels give the same bytes.

    Returns:
        What was written, with the disputed flags that were left unknown.

    Raises:
        InputError: the file cannot be written.
    """
    labels = store.human_labels()
    write_labels(labels.table, path)
    return labels


def write_labels(table: pa.Table, path: str | Path) -> None:
    """Writes a table of `human_labels.SCHEMA`.

    Raises:
        InputError: the file cannot be written.
    """
    columns = [column.to_pylist() for column in table.columns]
    try:
        with atomic_open(path) as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(SCHEMA.names)
            writer.writerows(zip(*columns, strict=True))  # the csv module leaves None empty
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a path you may write") from None


def read_labels(path: str | Path) -> pa.Table:
    """Reads human labels; other columns may stand beside them and are left out.

    Returns:
        A table of `human_labels.SCHEMA`, rows in file order, null where unknown.

    Raises:
        InputError: a column is missing (never read as 0), doubled or out of order, a cell is
            something else than 1, 0 or empty, or a note comes twice. The message names the line.
    """
    ids: list[str] = []
    rows: list[Cells] = []
    lines: dict[str, int] = {}
    records = _records(path)
    _, header = next(records, (1, []))
    positions = _positions(path, header)
    for line, record in records:
        if len(record) != len(header):
            raise InputError(f"{path}:{line}: {len(record)} fields, but {len(header)} columns")
        encounter_id = record[header.index(_ID)]
        if not encounter_id:
            raise InputError(f"{path}:{line}: {_ID}: empty")
        if encounter_id in lines:
            raise InputError(
                f"{path}:{line}: {_ID}: as in line {lines[encounter_id]}; keep one of them"
            )
        lines[encounter_id] = line
        ids.append(encounter_id)
        rows.append(_cells(path, line, [record[position] for position in positions]))
    return table_of(ids, rows)


def _records(path: str | Path) -> Iterator[tuple[int, list[str]]]:
    """The records of a CSV file, each with the line it ends on; blank lines are skipped."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            for record in reader:
                if record:
                    yield reader.line_num, record
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a CSV file of human labels") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: not valid CSV: {error}") from None


def _positions(path: str | Path, header: Sequence[str]) -> list[int]:
    """Where the 29 flags stand in a row."""
    if header.count(_ID) != 1:
        raise InputError(f"{path}: needs one column {_ID}, has {header.count(_ID)}")
    try:
        validate_schema(header)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return [header.index(name) for name in FLAG_NAMES]


def _cells(path: str | Path, line: int, values: Sequence[str]) -> Cells:
    for name, value in zip(FLAG_NAMES, values, strict=True):
        if value not in _CELLS:
            raise InputError(f"{path}:{line}: {name}: must be 1, 0 or empty for unknown")
    return np.array([_CELLS[value] for value in values], dtype=np.int8)
