"""`thce notes`: prepare notes, check an input, measure what de-identification finds."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from thce.command_options import AsJson, show
from thce.errors import Finding
from thce.notes.limits import MAX_BAD_PERCENT

app = typer.Typer(help="Read, check and de-identify notes.", no_args_is_help=True)

_SHOWN_BAD_ROWS = 20

Input = Annotated[
    str, typer.Option("--input", help="JSONL, CSV or Parquet: a file, folder, glob or URL.")
]
MaxBad = Annotated[float, typer.Option("--max-bad", help="Bad rows allowed, in percent.")]


@app.command()
def prepare(
    input_path: Input,
    output: Annotated[str, typer.Option("--output", help="A .parquet or .jsonl file.")],
    quarantine: Annotated[
        str | None,
        typer.Option("--quarantine", help="Where bad rows go; quarantine.jsonl beside the output."),
    ] = None,
    max_bad: MaxBad = MAX_BAD_PERCENT,
    as_json: AsJson = False,
) -> None:
    """Read notes, normalize and de-identify them, write them."""
    from thce.notes.step import PrepareConfig, run

    config = PrepareConfig(
        input=input_path, output=output, quarantine=quarantine, max_bad=_percentage(max_bad)
    )
    show(run(config), as_json, _print_prepared)


@app.command()
def check(input_path: Input, max_bad: MaxBad = MAX_BAD_PERCENT, as_json: AsJson = False) -> None:
    """Read notes and list the rows that are bad; exits 1 past --max-bad percent."""
    from thce.notes.read import plan_read

    limit = _percentage(max_bad)
    plan = plan_read(input_path, quarantine=None, max_bad_percent=100.0)
    counts = plan.counts
    shown = [str(row) for row in plan.bad[:_SHOWN_BAD_ROWS]]
    report = {
        "rows": counts.rows,
        "read": counts.read,
        "bad": counts.bad,
        "bad_percent": counts.bad_percent,
        "duplicates": counts.duplicates,
        "first_bad": shown,
    }
    summary = (
        f"{counts.rows} rows: {counts.read} good, {counts.bad} bad "
        f"({counts.bad_percent:.1f} %), {counts.duplicates} repeated"
    )
    show(report, as_json, "\n".join([*shown, summary]))
    if counts.bad_percent > limit:
        raise Finding(f"{input_path}: {counts.bad_percent:.1f} % bad rows, past {limit:g} %")


@app.command()
def recall(
    planted: Annotated[
        str | None,
        typer.Option("--planted", help="Planted identifiers; by default the repository's own."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what share of planted identifiers the patterns find, by part and kind."""
    from thce.notes.recall import measure_recall, read_planted

    rows = read_planted(planted)
    parts = sorted({row.part for row in rows})
    reports = {
        part: measure_recall(row for row in rows if row.part == part).as_dict() for part in parts
    }
    show(reports, as_json, _print_recalls)


def _percentage(value: float) -> float:
    from thce.errors import InputError

    if not 0 <= value <= 100:
        raise InputError(f"--max-bad: {value:g} is no percentage; give 0 to 100")
    return value


def _print_prepared(report: dict[str, Any]) -> None:
    counts = ((kind, str(count)) for kind, count in report["identifiers"].items())
    _print_table("Identifiers replaced", ("kind", "count"), counts)
    typer.echo(
        f"{report['prepared']} of {report['rows']} rows prepared, {report['bad']} bad, "
        f"{report['duplicates']} repeated (see {report['quarantine']})"
    )
    typer.echo(f"prepared notes: {report['output']}")


def _print_recalls(reports: dict[str, Any]) -> None:
    for part, report in reports.items():
        rows = (
            (kind, str(one["planted"]), str(one["found"]), f"{one['recall']:.2f}")
            for kind, one in report["recall"].items()
        )
        title = f"{part}: precision {report['precision']:.3f}"
        _print_table(title, ("kind", "planted", "found", "recall"), rows)


def _print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table of names and, flush right, their figures."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for column in columns:
        table.add_column(column, justify="left" if column == columns[0] else "right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
