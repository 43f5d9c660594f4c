"""What the `thce registry` commands share: options, running a step, and showing its report."""

import json
from collections.abc import Callable
from typing import Any

import typer

CONFIG = typer.Option(None, "--config", "-c", help="YAML file with the step's configuration.")
SET = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value. Repeatable.")
JSON = typer.Option(False, "--json", help="Print the report as JSON.")


def report_of(
    module: str, config: str | None, overrides: list[str], shortcuts: dict[str, Any]
) -> dict[str, Any]:
    """Runs a step of this room.

    Args:
        module: `MODULE:CONFIG_CLASS` within thce.registry.
        config: YAML file, or None.
        overrides: `a.b=value`, in order.
        shortcuts: options of the command line; None where not given.
    """
    from thce.steps import run_step

    name, config_class = module.split(":")
    return run_step(f"thce.registry.{name}", config_class, config, overrides, **shortcuts)


def show(
    report: dict[str, Any], as_json: bool, printed: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Prints a step's report.

    Args:
        report: what the step found.
        as_json: as one JSON object, for programs.
        printed: how it is printed for a person; by default one line per value.
    """
    if as_json:
        typer.echo(json.dumps(report, default=str, allow_nan=False))
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
