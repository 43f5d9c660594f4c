"""What commands of every room share: the options that mean the same, and how a report is shown."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")]
ConfigFile = Annotated[
    str | None, typer.Option("--config", "-c", help="YAML file with the step's configuration.")
]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        "-s",
        help="Overrides a field: a.b=value. Repeatable.",
        default_factory=list,
        show_default=False,
    ),
]


def show(
    report: Any, as_json: bool, printed: str | Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Prints a report.

    Args:
        report: what a step found; for `printed` other than a text, a dict.
        as_json: as JSON on one line, for programs.
        printed: what a person reads: a text, or how the report is printed; by default one line
            per value.
    """
    if as_json:
        typer.echo(json.dumps(report, default=str, allow_nan=False))
    elif isinstance(printed, str):
        typer.echo(printed)
    elif printed is not None:
        printed(report)
    else:
        _print_lines(report)


def _print_lines(report: dict[str, Any], indent: str = "") -> None:
    """One line per value, groups indented."""
    for name, value in report.items():
        if isinstance(value, dict) and value:
            typer.echo(f"{indent}{name}:")
            _print_lines(value, indent + "  ")
        elif isinstance(value, float):
            typer.echo(f"{indent}{name}: {value:.4g}")
        elif isinstance(value, list) and len(value) > 12:
            typer.echo(f"{indent}{name}: {len(value)} entries (--json shows them)")
        else:
            typer.echo(f"{indent}{name}: {value}")
