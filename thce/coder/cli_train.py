"""`thce coder train` and `bundle`."""

import json

import typer

CONFIG = typer.Option([], "--config", "-c", help="YAML file; repeatable, later ones overrule.")
SET = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value. Repeatable.")


def train(
    config: list[str] = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
    data: str | None = typer.Option(None, "--data", help="Parquet or JSONL, file or folder."),
    output: str | None = typer.Option(None, "--output", help="Folder to write."),
    init_from: str | None = typer.Option(
        None, "--init-from", help="Output or bundle of the stage before."
    ),
    dry_run: bool = typer.Option(False, "--dry-run", help="Check all of it and take one step."),
) -> None:
    """Trains one stage of the coder."""
    from thce.steps import run_step

    report = run_step(
        "thce.coder.train",
        "TrainConfig",
        config or None,
        overrides,
        data=data,
        output=output,
        init_from=init_from,
        dry_run=dry_run or None,
    )
    if as_json:
        typer.echo(json.dumps(report))
        return
    for name, value in report.items():
        typer.echo(f"{name}: {value}")


def bundle(
    model: str = typer.Option(..., "--model", help="What `thce coder train` wrote."),
    output: str = typer.Option(..., "--output", help="The bundle's folder or URL."),
    config: list[str] = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> None:
    """Makes a bundle of a training: exports its graphs and adds all else that answers."""
    from thce.steps import run_step

    report = run_step(
        "thce.coder.bundle", "BundleConfig", config or None, overrides, model=model, output=output
    )
    if as_json:
        typer.echo(json.dumps(report))
    else:
        lost = ", ".join(f"{name} {one['lost']:+.3f}" for name, one in report["loss"].items())
        typer.echo(f"lost against fp32, nats per token: {lost}; default {report['default']}")
        typer.echo(f"bundle {report['version']} at {report['path']}")


def register(app: typer.Typer) -> None:
    """Adds the commands to `thce coder`."""
    app.command()(train)
    app.command()(bundle)
