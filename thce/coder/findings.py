"""Findings that often come with a code, as a note would tell them; from the shipped table."""

import csv
from functools import cache, lru_cache
from importlib.resources import files

SHORTEST, LONGEST = 3, 7  # characters of a code's beginning


@lru_cache(maxsize=100_000)
def findings_of(code: str) -> tuple[str, ...]:
    """The findings of every beginning of an ICD-10-CM code, the most special first."""
    table = _table()
    return tuple(
        finding
        for length in range(min(LONGEST, len(code)), SHORTEST - 1, -1)
        for finding in table.get(code[:length], ())
    )


@cache
def _table() -> dict[str, tuple[str, ...]]:
    text = files("thce.coder").joinpath("data/clinical_findings.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["starts"]: tuple(row["findings"].split("|")) for row in rows}
