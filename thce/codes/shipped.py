"""Tables in CSV files: lines that begin with # are remarks, then a header and rows."""

import csv
from collections.abc import Iterator
from importlib.resources import files


def shipped_text(name: str) -> str:
    """The content of a file under `thce/codes/data`."""
    return files("thce.codes").joinpath(f"data/{name}").read_text(encoding="utf-8")


def shipped_rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of a table under `thce/codes/data`, as column -> cell."""
    return table_rows(shipped_text(name))


def table_rows(text: str) -> Iterator[dict[str, str]]:
    """The rows of a table, as column -> cell."""
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
