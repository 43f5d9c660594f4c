"""`thce ner` commands that say what a model is worth: report and compare."""

import typer

from thce.command_options import AsJson, ConfigFile, Overrides, show
from thce.steps import run_step

_INPUT = typer.Option([], "--input", help="Brat folder of the training. Repeatable.")
_UNSEEN = typer.Option(
    [], "--test-input", help="Brat folder that training never saw, to judge on instead. Repeatable."
)
_MODELS = typer.Option([], "--model", help="Bundle: folder, URL or champion:... Repeatable.")
_WEIGHTS = typer.Option(None, "--weights", help="fp32 or int8; by default the bundle's default.")
_OUTPUT = typer.Option(None, "--output", help="HTML file to write.")


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    for command in (report, compare):
        app.command()(command)


def report(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    models: list[str] = _MODELS,
    folders: list[str] = _INPUT,
    unseen: list[str] = _UNSEEN,
    weights: str | None = _WEIGHTS,
    output: str | None = _OUTPUT,
) -> None:
    """Errors, confidence and readiness of a model, or of those of several folds, as HTML."""
    from thce.ner.console import print_summary

    found = run_step(
        "thce.ner.report",
        "ReportConfig",
        config,
        overrides,
        model=models or None,
        input=folders or None,
        test_input=unseen or None,
        weights=weights,
        output=output,
    )
    show(found, as_json, print_summary)


def compare(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    models: list[str] = _MODELS,
    folders: list[str] = _INPUT,
    unseen: list[str] = _UNSEEN,
    weights: str | None = _WEIGHTS,
    output: str | None = _OUTPUT,
    measure: bool | None = typer.Option(
        None, "--measure/--no-measure", help="Whether time and memory are measured."
    ),
) -> None:
    """Compares models on the documents that none of them learned from."""
    from thce.ner.console import print_summary

    found = run_step(
        "thce.ner.compare",
        "CompareConfig",
        config,
        overrides,
        models=models or None,
        input=folders or None,
        test_input=unseen or None,
        weights=weights,
        output=output,
        measure=measure,
    )
    show(found, as_json, print_summary)
