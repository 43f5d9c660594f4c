"""What share of planted identifiers the patterns find, kind by kind, and what else they take.

A planted row is a fictional note with the spans that identify someone: `text`, `spans` (`kind`,
`start`, `end`), and `part`: `development` rows were at hand while the patterns were written,
`held-out` rows were not looked at. A kind that ends in `_bare` has nothing beside it that announces
it: patterns miss most of those, and the report is to show it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

import thce
from thce.config import Config
from thce.errors import InputError
from thce.files import read_jsonl
from thce.notes.deidentify import find
from thce.notes.normalize import normalize

PLANTED_PATH = Path(thce.__file__).parent.parent / "data" / "notes" / "planted_identifiers.jsonl"


class PlantedSpan(Config):
    """One identifier: characters `start` to `end` (exclusive) of the row's text."""

    kind: str
    start: int = Field(ge=0)
    end: int


class PlantedRow(Config):
    """A fictional note and every identifier in it."""

    id: str
    part: str = "development"
    text: str
    spans: list[PlantedSpan]


@dataclass
class KindRecall:
    """Identifiers of one kind: how many were planted, and how many are wholly replaced."""

    planted: int = 0
    found: int = 0

    @property
    def recall(self) -> float:
        """Found per planted."""
        return self.found / self.planted


@dataclass
class RecallReport:
    """Recall by kind, and the precision of what was replaced.

    `replaced` counts letters and digits that are replaced, `replaced_planted` those of them inside
    a planted span.
    """

    kinds: dict[str, KindRecall] = field(default_factory=dict)
    replaced: int = 0
    replaced_planted: int = 0

    @property
    def precision(self) -> float:
        """The share of the replaced letters and digits that identified someone."""
        return self.replaced_planted / self.replaced if self.replaced else 1.0

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {
            "precision": self.precision,
            "recall": {
                kind: {"planted": one.planted, "found": one.found, "recall": one.recall}
                for kind, one in sorted(self.kinds.items())
            },
        }


def measure_recall(rows: Iterable[PlantedRow]) -> RecallReport:
    """Runs the patterns over planted rows.

    An identifier counts as found where each of its letters and digits lies in a replaced span.
    """
    report = RecallReport()
    for row in rows:
        replaced = _covered((span.start, span.end) for span in find(row.text))
        planted = _covered((span.start, span.end) for span in row.spans)
        for span in row.spans:
            kind = report.kinds.setdefault(span.kind, KindRecall())
            kind.planted += 1
            kind.found += _letters(row.text, set(range(span.start, span.end))) <= replaced
        letters = _letters(row.text, replaced)
        report.replaced += len(letters)
        report.replaced_planted += len(letters & planted)
    return report


def read_planted(path: str | Path | None = None) -> list[PlantedRow]:
    """Reads a planted set; None takes the one of the repository.

    Raises:
        InputError: the file is absent, a row is not as described, a span lies outside its text,
            or a text is not in normal form (its offsets would not hold).
    """
    if path is None and not PLANTED_PATH.exists():
        raise InputError("no planted identifiers beside this installation; give --planted FILE")
    source = path or PLANTED_PATH
    rows = [_planted_row(source, line, values) for line, values in enumerate(read_jsonl(source), 1)]
    if not rows:
        raise InputError(f"{source}: no rows; give planted identifiers, one JSON object a line")
    return rows


def _planted_row(source: str | Path, line: int, values: Mapping[str, Any]) -> PlantedRow:
    try:
        row = PlantedRow.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(f"{source}:{line}: {where}: {first['msg'].lower()}") from None
    if any(not span.start < span.end <= len(row.text) for span in row.spans):
        raise InputError(f"{source}:{line}: spans: one lies outside the text")
    if normalize(row.text) != row.text:
        raise InputError(f"{source}:{line}: text: not in normal form, so offsets would not hold")
    return row


def _covered(stretches: Iterable[tuple[int, int]]) -> set[int]:
    return {position for start, end in stretches for position in range(start, end)}


def _letters(text: str, positions: set[int]) -> set[int]:
    return {position for position in positions if text[position].isalnum()}
