"""A catalogue as a CSV file: what ships with the package, and what an import leaves in THCE_HOME.

`# key: value` lines say what the table is (version, effective, origin, licence, complete), then
come the columns code, description, short_description, added, terminated (yyyymmdd or empty).
"""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from thce.codes.code_types import CodeType
from thce.codes.entries import Entry, Lifetime, Source, day_after
from thce.codes.shipped import table_rows

COLUMNS = ("code", "description", "short_description", "added", "terminated")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table; dates as yyyymmdd, 0 where there is none."""

    code: str
    description: str
    short_description: str = ""
    added: int = 0
    terminated: int = 0


def format_table(source: Source, rows: Iterable[Row]) -> str:
    """The text of a table file."""
    out = io.StringIO()
    about = {
        "code_type": source.code_type.value,
        "version": source.version,
        "effective": source.effective,
        "origin": source.origin,
        "licence": source.licence,
        "complete": "yes" if source.complete else "no",
    }
    out.writelines(f"# {name}: {value}\n" for name, value in about.items())
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        dates = (row.added or "", row.terminated or "")
        writer.writerow((row.code, row.description, row.short_description, *dates))
    return out.getvalue()


def parse_table(text: str) -> tuple[Source, list[Entry]]:
    """What `format_table` wrote."""
    about = dict(
        line.removeprefix("# ").split(": ", 1)
        for line in text.splitlines()
        if line.startswith("#") and ": " in line
    )
    source = Source(
        CodeType(about["code_type"]),
        about["version"],
        about["effective"],
        about["origin"],
        about["licence"],
        about["complete"] == "yes",
    )
    return source, list(_entries(table_rows(text)))


def _entries(rows: Iterable[dict[str, str]]) -> Iterator[Entry]:
    for row in rows:
        short = row["short_description"]
        yield Entry(
            row["code"],
            row["description"],
            lifetime=_lifetime(int(row["added"] or 0), int(row["terminated"] or 0)),
            notes={"short_description": [short]} if short else {},
        )


def _lifetime(added: int, terminated: int) -> Lifetime:
    """Exact dates: the first day a code holds, and its last."""
    return Lifetime(added, added, terminated, day_after(terminated) if terminated else 0)
