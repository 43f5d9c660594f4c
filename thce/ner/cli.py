"""`thce ner`: from brat files to a bundle that answers, each step with its configuration."""

from typing import Any

import typer

from thce.command_options import AsJson, ConfigFile, Overrides, show
from thce.ner import cli_analysis
from thce.steps import run_step

app = typer.Typer(no_args_is_help=True)

INPUT = typer.Option([], "--input", help="Brat folder. Repeatable.")
MODEL = typer.Option(None, "--model", help="Bundle: folder, URL or champion:...")
WEIGHTS = typer.Option(None, "--weights", help="fp32 or int8; by default the bundle's default.")


def _run(
    module: str, config: str | None, overrides: list[str], as_json: bool, **shortcuts: Any
) -> None:
    """Runs a step of this room, `MODULE:CONFIG_CLASS`, and prints its report."""
    name, config_class = module.split(":")
    report = run_step(f"thce.ner.{name}", config_class, config, overrides, **shortcuts)
    show(report, as_json)


@app.command()
def check(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    folders: list[str] = INPUT,
    output: str | None = typer.Option(None, "--output", help="JSON file for the splits."),
) -> None:
    """Reads brat folders, counts their mentions, deals the splits and looks for leaks."""
    _run("check:CheckConfig", config, overrides, as_json, input=folders or None, output=output)


@app.command("import")
def import_dataset(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    dataset: str | None = typer.Option(None, "--dataset", help="Hub name, or a local folder."),
    output: str | None = typer.Option(None, "--output", help="Folder for the brat files."),
) -> None:
    """Writes an annotated dataset of a hub as brat files."""
    _run("import_hub:ImportConfig", config, overrides, as_json, dataset=dataset, output=output)


@app.command()
def train(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    folders: list[str] = INPUT,
    output: str | None = typer.Option(None, "--output", help="Training folder to write."),
    model_name: str | None = typer.Option(
        None, "--model-name", help="Registry package, folder or hub name of the encoder."
    ),
) -> None:
    """Trains a tagger on Ray Train, with DDP or DeepSpeed ZeRO."""
    _run(
        "train:TrainConfig",
        config,
        overrides,
        as_json,
        input=folders or None,
        output=output,
        model_name=model_name,
    )


@app.command()
def export(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: str | None = typer.Option(None, "--model", help="What train wrote."),
    folders: list[str] = INPUT,
    output: str | None = typer.Option(None, "--output", help="Bundle folder or URL to write."),
) -> None:
    """Exports ONNX fp32 and int8, compares them and publishes a bundle."""
    _run(
        "export:ExportConfig",
        config,
        overrides,
        as_json,
        model=model,
        input=folders or None,
        output=output,
    )


@app.command()
def predict(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: str | None = MODEL,
    texts: str | None = typer.Option(None, "--input", help="Folder of .txt files."),
    output: str | None = typer.Option(None, "--output", help="Folder for the .ann files."),
    weights: str | None = WEIGHTS,
    confidence: bool = typer.Option(
        False, "--confidence", help="Write each mention's confidence as a brat note."
    ),
) -> None:
    """Marks the entities of every text of a folder, in brat's format."""
    _run(
        "predict:PredictConfig",
        config,
        overrides,
        as_json,
        model=model,
        input=texts,
        output=output,
        weights=weights,
        confidence=confidence or None,
    )


@app.command()
def evaluate(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: str | None = MODEL,
    folders: list[str] = INPUT,
    split: str | None = typer.Option(
        None, "--split", help="Only what training dealt there: train, val or test."
    ),
    weights: str | None = WEIGHTS,
    output: str | None = typer.Option(
        None, "--output", help="Folder for predictions.parquet, tokens.parquet, evaluation.json."
    ),
) -> None:
    """Scores a bundle on annotated documents: strict F1 with intervals, per type."""
    _run(
        "evaluate:EvaluateConfig",
        config,
        overrides,
        as_json,
        model=model,
        input=folders or None,
        split=split,
        weights=weights,
        output=output,
    )


@app.command()
def crossval(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    folders: list[str] = INPUT,
    output: str | None = typer.Option(None, "--output", help="Folder of the run; resumable."),
    folds: int | None = typer.Option(None, "--folds", help="How many."),
) -> None:
    """Judges a recipe by k folds: every document once, by a model that never saw it."""
    _run(
        "crossval:CrossvalConfig",
        config,
        overrides,
        as_json,
        input=folders or None,
        output=output,
        folds=folds,
    )


cli_analysis.add_to(app)
