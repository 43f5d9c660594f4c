"""A report as one HTML file that needs nothing else: sections, tables and figures."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Column:
    """A column's heading and how its cells are set.

    Attributes:
        title: the heading.
        kind: numbers stand flush right in figures of equal width; prose may break into lines.
    """

    title: str
    kind: Literal["number", "text", "prose"] = "number"


@dataclass(frozen=True)
class Cell:
    """A cell's text and, smaller behind it, a detail such as its interval."""

    text: str
    detail: str = ""


@dataclass(frozen=True)
class Table:
    """A table; every row has one cell per column.

    Attributes:
        caption: what the table shows, and in what units.
        columns: from left to right; the first heads the row.
        rows: of cells.
        note: said below the table.
    """

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """An inline SVG with its caption."""

    svg: str
    caption: str


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, then figures, then tables."""

    title: str
    paragraphs: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class KeyFigure:
    """One number to see first."""

    title: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Page:
    """A whole report.

    Attributes:
        title: heads the page.
        subtitle: what was evaluated on what.
        summary: the findings, a paragraph each.
        caution: what the figures may not be taken for.
        key_figures: a row of numbers to see first.
        sections: the rest, in order.
        facts: names and values that say where everything came from.
    """

    title: str
    subtitle: str
    summary: Sequence[str]
    caution: str
    key_figures: Sequence[KeyFigure] = ()
    sections: Sequence[Section] = ()
    facts: Sequence[tuple[str, str]] = field(default_factory=list)


def render(page: Page) -> str:
    """The page as HTML; the same page gives the same bytes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2").render(page=page)
