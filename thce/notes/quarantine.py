"""Bad rows: where they are written and when they are too many. Never with note text."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from thce.errors import InputError
from thce.notes.outputs import open_output


@dataclass(frozen=True, order=True, slots=True)
class BadRow:
    """A row that was not read: file, line (row number in Parquet), and why."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True)
class ReadCounts:
    """What became of the rows of an input: `rows` = `read` + `bad` + `duplicates`."""

    rows: int
    read: int
    bad: int
    duplicates: int

    @property
    def bad_percent(self) -> float:
        """Bad rows per hundred rows; a repeated note is no bad row."""
        return 100.0 * self.bad / self.rows if self.rows else 0.0


def write_quarantine(path: str, rows: Iterable[BadRow]) -> None:
    """Writes `{"file", "line", "reason"}` a line; an empty file says that nothing was bad."""
    with open_output(path, "w") as handle:
        for row in rows:
            entry = {"file": row.file, "line": row.line, "reason": row.reason}
            handle.write(json.dumps(entry, ensure_ascii=False) + "\n")


def check_limit(
    path: str,
    counts: ReadCounts,
    bad: Sequence[BadRow],
    max_bad_percent: float,
    quarantine: str | None,
) -> None:
    """Refuses an input of which too much is bad, or nothing is left.

    Raises:
        InputError: no row was read, or more than `max_bad_percent` percent were bad. It gives
            the counts, the most frequent reason and the first bad row.
    """
    if not counts.rows:
        raise InputError(f"{path}: no rows; give notes as JSONL, CSV or Parquet")
    if counts.read and counts.bad_percent <= max_bad_percent:
        return
    reason, times = Counter(row.reason for row in bad).most_common(1)[0]
    where = f"see {quarantine}" if quarantine else f"first: {bad[0]}"
    allowed = f"at most {max_bad_percent:g} % allowed" if counts.read else "no note is left"
    raise InputError(
        f"{path}: {counts.bad} of {counts.rows} rows are bad ({counts.bad_percent:.1f} %, "
        f"{allowed}); most often ({times}): {reason}; {where}"
    )
