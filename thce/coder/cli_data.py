"""`thce coder` for data: sample files, formatting a mixture, checking what was written."""

import json

import typer

from thce.coder.cli import app

CONFIG = typer.Option(None, "--config", "-c", help="YAML file with the step's configuration.")
SET = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value. Repeatable.")
JSON = typer.Option(False, "--json", help="Print the report as JSON.")


@app.command("samples")
def samples_command(
    output: str | None = typer.Option(None, help="Folder of the three files."),
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
) -> None:
    """Write 50 rows of each stage from the examples that are not frozen."""
    from thce.steps import run_step

    report = run_step("thce.coder.sample_files", "SampleConfig", config, overrides, output=output)
    typer.echo(json.dumps(report) if as_json else f"sample files in {report['output']}")
