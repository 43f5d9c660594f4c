"""What report and compare say on a terminal."""

from typing import Any

import typer


def print_summary(found: dict[str, Any]) -> None:
    """The findings, a paragraph each, and where the page lies."""
    for paragraph in found["summary"]:
        typer.echo(f"{paragraph}\n")
    if found["report"] is not None:
        typer.echo(f"report: {found['report']}")
