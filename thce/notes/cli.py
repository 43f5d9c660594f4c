"""`thce notes`: prepare notes, check an input, measure what de-identification finds."""

import json
from typing import Annotated, Any

import typer

from thce.errors import Finding
from thce.notes.limits import MAX_BAD_PERCENT

app = typer.Typer(help="Read, check and de-identify notes.", no_args_is_help=True)

_SHOWN_BAD_ROWS = 20

Input = Annotated[
    str, typer.Option("--input", help="JSONL, CSV or Parquet: a file, folder, glob or URL.")
]
MaxBad = Annotated[float, typer.Option("--max-bad", help="Bad rows allowed, in percent.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


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
    report = run(config)
    if as_json:
        typer.echo(json.dumps(report))
        return
    _print_counts("Identifiers replaced", report["identifiers"])
    typer.echo(
        f"{report['prepared']} of {report['rows']} rows prepared, {report['bad']} bad, "
        f"{report['duplicates']} repeated (see {report['quarantine']})"
    )
    typer.echo(f"prepared notes: {report['output']}")


@app.command()
def check(input_path: Input, max_bad: MaxBad = MAX_BAD_PERCENT, as_json: AsJson = False) -> None:
    """Read notes and list the rows that are bad; exits 1 past --max-bad percent."""
    from thce.notes.read import plan_read

    limit = _percentage(max_bad)
    plan = plan_read(input_path, quarantine=None, max_bad_percent=100.0)
    counts = plan.counts
    shown = [str(row) for row in plan.bad[:_SHOWN_BAD_ROWS]]
    if as_json:
        report = {
            "rows": counts.rows,
            "read": counts.read,
            "bad": counts.bad,
            "bad_percent": counts.bad_percent,
            "duplicates": counts.duplicates,
            "first_bad": shown,
        }
        typer.echo(json.dumps(report))
    else:
        for line in shown:
            typer.echo(line)
        typer.echo(
            f"{counts.rows} rows: {counts.read} good, {counts.bad} bad "
            f"({counts.bad_percent:.1f} %), {counts.duplicates} repeated"
        )
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
    if as_json:
        typer.echo(json.dumps(reports))
        return
    for part, report in reports.items():
        _print_recall(part, report)


def _percentage(value: float) -> float:
    from thce.errors import InputError

    if not 0 <= value <= 100:
        raise InputError(f"--max-bad: {value:g} is no percentage; give 0 to 100")
    return value


def _print_counts(title: str, counts: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    table.add_column("kind")
    table.add_column("count", justify="right")
    for kind, count in counts.items():
        table.add_row(kind, str(count))
    Console().print(table)


def _print_recall(part: str, report: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{part}: precision {report['precision']:.3f}")
    table.add_column("kind")
    for column in ("planted", "found", "recall"):
        table.add_column(column, justify="right")
    for kind, one in report["recall"].items():
        table.add_row(kind, str(one["planted"]), str(one["found"]), f"{one['recall']:.2f}")
    Console().print(table)
