"""`thce registry`: every step of the diamond loop, each with its configuration.

A step takes `--config FILE` (YAML), `--set a.b=value` for any field, and options for the fields
that are given most often; options overrule `--set`, which overrules the file.
"""

from typing import Annotated, Any

import typer

from thce.command_options import AsJson, ConfigFile, Overrides, show
from thce.registry import cli_trust
from thce.registry.cli_options import (
    Batch,
    BlindFraction,
    Hydrated,
    Model,
    Notes,
    NotesGiven,
    RunFolder,
    Store,
    run,
)

app = typer.Typer(no_args_is_help=True)


@app.command()
def labels(as_json: AsJson = False) -> None:
    """Lists the 29 flags in canonical order with their definitions."""
    from thce.registry.labels import FLAGS

    rows = [
        {"flag": flag.value, "title": flag.detail.title, "definition": flag.detail.definition}
        for flag in FLAGS
    ]
    lines = [
        f"{number:2} {row['flag']}: {row['definition']}" for number, row in enumerate(rows, start=1)
    ]
    show(rows, as_json, "\n".join(lines))


@app.command()
def hydrate(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    notes: Notes = None,
    output: Annotated[str | None, typer.Option(help="Parquet folder to write.")] = None,
) -> None:
    """Labels notes by form, billing codes and keywords, each cell with source and confidence."""
    run("hydrate_ray:HydrateConfig", config, overrides, as_json, input=notes, output=output)


@app.command()
def dataset(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    hydrated: Hydrated = None,
    human: Annotated[str | None, typer.Option(help="CSV of human labels (tier 0).")] = None,
    output: Annotated[str | None, typer.Option(help="Dataset folder to write.")] = None,
) -> None:
    """Merges human labels as tier 0, splits without leaks and writes train, val and test."""
    given: dict[str, Any] = {"hydrated": hydrated, "human": human, "output": output}
    run("dataset:DatasetConfig", config, overrides, as_json, **given)


@app.command()
def train(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    dataset: Annotated[str | None, typer.Option(help="What dataset wrote.")] = None,
    output: Annotated[str | None, typer.Option(help="Training folder to write.")] = None,
    model_name: Annotated[
        str | None, typer.Option(help="Registry package, folder or hub name of the encoder.")
    ] = None,
) -> None:
    """Trains the classifier on Ray Train, with DDP or DeepSpeed ZeRO."""
    given: dict[str, Any] = {"dataset": dataset, "output": output, "model_name": model_name}
    run("train:TrainConfig", config, overrides, as_json, **given)


@app.command()
def export(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: Annotated[str | None, typer.Option(help="What train wrote.")] = None,
    dataset: Annotated[str | None, typer.Option(help="The dataset of that training.")] = None,
    output: Annotated[str | None, typer.Option(help="Bundle folder or URL to write.")] = None,
    exporter: Annotated[
        str | None, typer.Option(help="torch, or optimum in an isolated Ray environment.")
    ] = None,
) -> None:
    """Fits thresholds, exports ONNX fp32 and int8 and publishes a bundle."""
    given: dict[str, Any] = {
        "model": model,
        "dataset": dataset,
        "output": output,
        "exporter": exporter,
    }
    run("export:ExportConfig", config, overrides, as_json, **given)


@app.command()
def score(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: Model = None,
    notes: Notes = None,
    output: Annotated[str | None, typer.Option(help="Parquet folder, or a .jsonl file.")] = None,
    abstention: Annotated[
        str | None, typer.Option(help="What abstain wrote: says which flags need no person.")
    ] = None,
) -> None:
    """Scores notes on Ray Data with a growing and shrinking pool of sessions; resumable."""
    given: dict[str, Any] = {
        "model": model,
        "input": notes,
        "output": output,
        "abstention": abstention,
    }
    run("score:ScoreConfig", config, overrides, as_json, **given)


@app.command()
def evaluate(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: Model = None,
    notes: Annotated[
        str | None, typer.Option("--input", help="Labelled notes (accept, uncertain).")
    ] = None,
    report: Annotated[str | None, typer.Option(help="HTML report to write.")] = None,
) -> None:
    """Scores a bundle against labelled notes: micro and macro F1 with intervals, per flag."""
    from thce.registry.console import print_evaluation

    given: dict[str, Any] = {"model": model, "input": notes, "report": report}
    run("evaluate:EvaluateConfig", config, overrides, as_json, print_evaluation, **given)


@app.command()
def sample(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    hydrated: Hydrated = None,
    scores: Annotated[str | None, typer.Option(help="What score wrote, if a model is.")] = None,
    model: Annotated[str | None, typer.Option(help="The bundle that made the scores.")] = None,
    store: Store = None,
    output: Batch = None,
    strategy: Annotated[
        str | None, typer.Option(help="disagreement, uncertainty, random, rare_boost or hybrid.")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Tasks in the batch.")] = None,
    seed: Annotated[int | None, typer.Option(help="Breaks ties.")] = None,
    blind_fraction: BlindFraction = None,
) -> None:
    """Draws the notes that a person should look at and writes a batch for Prodigy."""
    run(
        "sample:SampleConfig",
        config,
        overrides,
        as_json,
        notes=hydrated,
        scores=scores,
        model=model,
        store=store,
        output=output,
        strategy=strategy,
        limit=limit,
        seed=seed,
        blind_fraction=blind_fraction,
    )


@app.command()
def loop(
    overrides: Overrides,
    notes: NotesGiven,
    config: ConfigFile = None,
    as_json: AsJson = False,
    output: RunFolder = None,
    annotator: Annotated[str | None, typer.Option(help="oracle, file or page.")] = None,
    answers: Annotated[str | None, typer.Option(help="Answers to the pending batch.")] = None,
    blind_fraction: BlindFraction = None,
) -> None:
    """Runs the diamond loop: score, sample, annotate, merge, train, evaluate, round by round."""
    from thce.registry.console import print_loop

    given: dict[str, Any] = {
        "notes": notes or None,
        "output": output,
        "annotator": annotator,
        "answers": answers,
        "blind_fraction": blind_fraction,
    }
    run("loop:LoopConfig", config, overrides, as_json, print_loop, **given)


cli_trust.add_to(app)
