"""`thce coder` for data: sample files, formatting a mixture, checking what was written."""

import json
from typing import Any

import typer

CONFIG = typer.Option(None, "--config", "-c", help="YAML file with the step's configuration.")
SET = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value. Repeatable.")
JSON = typer.Option(False, "--json", help="Print the report as JSON.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("samples")(samples_command)
    app.command("format")(format_command)
    app.command("check-data")(check_data_command)
    app.command("generate")(generate_command)
    app.command("import")(import_command)


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


def format_command(
    config: str | None = typer.Option(None, "--config", "-c", help="YAML file of a mixture."),
    output: str | None = typer.Option(None, help="Folder of the stages."),
    overrides: list[str] = SET,
    as_json: bool = JSON,
) -> None:
    """Write the rows of all stages from a mixture of sources, with a report of the gates."""
    from thce.errors import Finding
    from thce.steps import run_step

    report = run_step("thce.coder.format_stages", "MixtureConfig", config, overrides, output=output)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        for stage, found in report["stages"].items():
            sources = ", ".join(f"{name} {rows}" for name, rows in found["by_source"].items())
            typer.echo(f"stage {stage}: {found['rows']} of {found['wanted']} rows ({sources})")
        typer.echo(f"written to {report['output']}")
    for stage, found in report["stages"].items():
        if not found["passed"]:
            raise Finding(f"stage {stage}: {_failed(found)}; the rows are in {report['output']}")


def check_data_command(
    stage: int = typer.Option(..., min=1, max=3, help="1, 2 or 3."),
    input_: str | None = typer.Option(None, "--input", help="Folder or file of rows."),
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
) -> None:
    """Check rows on disk; exit 1 if a gate fails."""
    from thce.errors import Finding
    from thce.steps import run_step

    shortcuts = {"stage": stage, "input": input_}
    report = run_step("thce.coder.check_data", "CheckDataConfig", config, overrides, **shortcuts)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        for name, gate in report["gates"].items():
            held = "passed" if gate["passed"] else "FAILED"
            typer.echo(f"{held:7} {name}: {gate['failing']} rows, {gate['share']:.2%}")
    if not report["passed"]:
        raise Finding(f"stage {stage}: {_failed(report)}")


def _failed(report: dict[str, Any]) -> str:
    names = [name for name, gate in report["gates"].items() if not gate["passed"]]
    return f"gates failed: {', '.join(names)}"


def import_command(
    config: str | None = CONFIG,
    layout: str | None = typer.Option(None, help="mimic, mtsamples, codiesp or hub."),
    input_: str | None = typer.Option(None, "--input", help="Table, folder or dataset name."),
    diagnoses: str | None = typer.Option(None, help="MIMIC's table of diagnoses."),
    output: str | None = typer.Option(None, help="JSONL file of examples."),
    overrides: list[str] = SET,
    as_json: bool = JSON,
) -> None:
    """Turn your own coded notes into examples without identifiers."""
    from thce.steps import run_step

    shortcuts = {"layout": layout, "input": input_, "diagnoses": diagnoses, "output": output}
    report = run_step(
        "thce.coder.import_notes", "ImportNotesConfig", config, overrides, **shortcuts
    )
    if as_json:
        typer.echo(json.dumps(report))
    else:
        for reason, count in report["refused"].items():
            typer.echo(f"refused: {count} {reason}")
        typer.echo(f"{report['examples']} examples of {report['notes']} notes: {report['output']}")


def generate_command(
    config: str | None = CONFIG,
    output: str | None = typer.Option(None, help="JSONL file of examples."),
    overrides: list[str] = SET,
    as_json: bool = JSON,
) -> None:
    """Let a provider's model write narratives for official codes; off unless enabled."""
    from thce.steps import run_step

    report = run_step(
        "thce.coder.provider_step", "GenerateConfig", config, overrides, output=output
    )
    if as_json:
        typer.echo(json.dumps(report))
    else:
        typer.echo(
            f"{report['examples']} examples for {report['dollars']} dollars: {report['output']}"
        )
