"""`thce bench loop`: label efficiency of the sampling strategies."""

import json

import typer


def register(app: typer.Typer) -> None:
    """Adds the command to the benches' command line."""
    app.command()(loop)


def loop(
    config: str | None = typer.Option(
        "configs/bench/loop.yaml", "--config", "-c", help="YAML file with the settings."
    ),
    overrides: list[str] = typer.Option([], "--set", "-s", help="Overrides, as name=value."),
    notes: list[str] = typer.Option([], "--notes", help="Labelled notes (accept). Repeatable."),
    output: str | None = typer.Option(None, "--output", help="Folder for report and figures."),
) -> None:
    """Every sampling strategy against random: one JSON line per strategy, and an HTML report."""
    from thce.steps import run_step

    found = run_step(
        "thce.bench.label_efficiency",
        "LabelEfficiencyConfig",
        config,
        overrides,
        notes=notes or None,
        output=output,
    )
    for row in found["results"]:
        typer.echo(json.dumps(row, allow_nan=False))
    typer.echo(f"report: {found['report']}", err=True)
