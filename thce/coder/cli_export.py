"""`thce coder export`: int4 and int8 graphs of a trained coder."""

import json

import typer


def register(app: typer.Typer) -> None:
    """Adds the command to the coder's command line."""
    app.command()(export)


def export(
    model: str = typer.Option(..., "--model", help="Trained coder, its bundle, or model folder."),
    output: str = typer.Option(..., "--output", help="A folder of its own."),
    config: str | None = typer.Option(None, "--config", "-c", help="YAML file with settings."),
    overrides: list[str] = typer.Option([], "--set", "-s", help="Overrides, as name=value."),
    as_json: bool = typer.Option(False, "--json", help="Print the report as JSON."),
) -> None:
    """Exports to int4 and int8 and measures what each loses against fp32."""
    from thce.steps import run_step

    report = run_step(
        "thce.coder.export", "ExportConfig", config, overrides, model=model, output=output
    )
    if as_json:
        typer.echo(json.dumps(report, allow_nan=False))
        return
    for name, loss in report["loss"].items():
        typer.echo(
            f"{name}: {loss['lost']:+.4f} nats per token (perplexity {loss['perplexity']:.4g}, "
            f"fp32 {loss['perplexity_fp32']:.4g}), same choice {loss['same_choice']:.1%}"
        )
    typer.echo(f"graphs: {report['path']}")
