"""`thce tune`: searching for settings."""

from typing import Annotated, Any

import typer

from thce.command_options import AsJson, ConfigFile, Overrides, show

app = typer.Typer(no_args_is_help=True)

SHOWN = 12


@app.callback()
def tune() -> None:
    """Searches for settings, and judges what was found."""


@app.command()
def thresholds(
    overrides: Overrides,
    config: ConfigFile = None,
    model: Annotated[str | None, typer.Option(help="What training wrote.")] = None,
    dataset: Annotated[str | None, typer.Option(help="What it was trained on.")] = None,
    output: Annotated[str | None, typer.Option(help="Folder for the policy.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compares threshold policies on held-out notes and writes the one to export with."""
    from thce.steps import run_step

    given = {"model": model, "dataset": dataset, "output": output}
    report = run_step("thce.tune.thresholds", "ThresholdSweepConfig", config, overrides, **given)
    show(report, as_json, _print)


def _print(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table(title=f"{len(found['policies'])} policies on {found['notes']} held-out notes")
    for column in ("policy", found["metric"], "less the reference", "p, corrected"):
        table.add_column(column)
    for row in found["policies"][:SHOWN]:
        p_value = row["p_adjusted"]
        table.add_row(
            row["name"],
            _listed(row["value"]),
            "reference" if p_value is None else _listed(row["difference"]),
            "" if p_value is None else f"{p_value:.3f}",
        )
    console.print(table)
    why = "better than the reference" if found["replaced_reference"] else "the reference stays"
    console.print(f"chosen: {found['chosen']} ({why})")
    console.print(f"export with it: --config {found['policy']}", soft_wrap=True)


def _listed(value: dict[str, float]) -> str:
    return f"{value['estimate']:+.3f} ({value['low']:+.3f} to {value['high']:+.3f})"
