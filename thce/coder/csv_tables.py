"""CSV tables with long cells, plain or gzip, columns found by name in any case."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

from thce.errors import InputError

LONGEST_CELL = 16 * 1024 * 1024


def table_rows(path: str | Path, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of a table, names in lower case.

    Args:
        path: .csv or .csv.gz.
        needed: columns without which the table is not the one that is meant.

    Raises:
        InputError: it cannot be read, or a column is missing.
    """
    csv.field_size_limit(LONGEST_CELL)
    opener = gzip.open if str(path).endswith(".gz") else open
    try:
        with opener(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.reader(file)
            header = [name.strip().lower() for name in next(rows, [])]
            missing = [name for name in needed if name not in header]
            if missing:
                raise InputError(f"{path}: column {missing[0]} is missing")
            for cells in rows:
                yield dict(zip(header, cells, strict=False))
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "not a whole gzip file"
        raise InputError(f"{path}: {reason}") from None
    except csv.Error as error:
        raise InputError(f"{path}: not a CSV table: {error}") from None
