"""`thce registry`: every step of the diamond loop, each with its configuration.

A step takes `--config FILE` (YAML), `--set a.b=value` for any field, and options for the fields
that are given most often; options overrule `--set`, which overrules the file.
"""

import json
from typing import Any

import typer

from thce.registry import cli_trust
from thce.registry.cli_options import CONFIG, JSON, SET, report_of, show

app = typer.Typer(no_args_is_help=True)

BLIND_FRACTION = typer.Option(
    None, "--blind-fraction", help="Share of tasks without prefill, to measure its pull."
)


def _run(
    module: str, config: str | None, overrides: list[str], as_json: bool, **shortcuts: Any
) -> None:
    """Runs a step of this room and prints its report."""
    show(report_of(module, config, overrides, shortcuts), as_json)


@app.command()
def labels(as_json: bool = JSON) -> None:
    """Lists the 29 flags in canonical order with their definitions."""
    from thce.registry.labels import FLAGS

    rows = [
        {"flag": flag.value, "title": flag.detail.title, "definition": flag.detail.definition}
        for flag in FLAGS
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for number, row in enumerate(rows, start=1):
        typer.echo(f"{number:2} {row['flag']}: {row['definition']}")


@app.command()
def hydrate(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    notes: str | None = typer.Option(None, "--input", help="Notes: file, folder or glob."),
    output: str | None = typer.Option(None, "--output", help="Parquet folder to write."),
) -> None:
    """Labels notes by form, billing codes and keywords, each cell with source and confidence."""
    _run("hydrate_ray:HydrateConfig", config, overrides, as_json, input=notes, output=output)


@app.command()
def dataset(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    hydrated: str | None = typer.Option(None, "--hydrated", help="What hydrate wrote."),
    human: str | None = typer.Option(None, "--human", help="CSV of human labels (tier 0)."),
    output: str | None = typer.Option(None, "--output", help="Dataset folder to write."),
) -> None:
    """Merges human labels as tier 0, splits without leaks and writes train, val and test."""
    _run(
        "dataset:DatasetConfig",
        config,
        overrides,
        as_json,
        hydrated=hydrated,
        human=human,
        output=output,
    )


@app.command()
def train(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    dataset: str | None = typer.Option(None, "--dataset", help="What dataset wrote."),
    output: str | None = typer.Option(None, "--output", help="Training folder to write."),
    model_name: str | None = typer.Option(
        None, "--model-name", help="Registry package, folder or hub name of the encoder."
    ),
) -> None:
    """Trains the classifier on Ray Train, with DDP or DeepSpeed ZeRO."""
    _run(
        "train:TrainConfig",
        config,
        overrides,
        as_json,
        dataset=dataset,
        output=output,
        model_name=model_name,
    )


@app.command()
def export(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    model: str | None = typer.Option(None, "--model", help="What train wrote."),
    dataset: str | None = typer.Option(None, "--dataset", help="The dataset of that training."),
    output: str | None = typer.Option(None, "--output", help="Bundle folder or URL to write."),
    exporter: str | None = typer.Option(
        None, "--exporter", help="torch, or optimum in an isolated Ray environment."
    ),
) -> None:
    """Fits thresholds, exports ONNX fp32 and int8 and publishes a bundle."""
    _run(
        "export:ExportConfig",
        config,
        overrides,
        as_json,
        model=model,
        dataset=dataset,
        output=output,
        exporter=exporter,
    )


@app.command()
def score(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    model: str | None = typer.Option(None, "--model", help="Bundle: folder, URL or champion:..."),
    notes: str | None = typer.Option(None, "--input", help="Notes: file, folder or glob."),
    output: str | None = typer.Option(None, "--output", help="Parquet folder, or a .jsonl file."),
    abstention: str | None = typer.Option(
        None, "--abstention", help="What abstain wrote: says which flags need no person."
    ),
) -> None:
    """Scores notes on Ray Data with a growing and shrinking pool of sessions; resumable."""
    _run(
        "score:ScoreConfig",
        config,
        overrides,
        as_json,
        model=model,
        input=notes,
        output=output,
        abstention=abstention,
    )


@app.command()
def evaluate(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    model: str | None = typer.Option(None, "--model", help="Bundle: folder, URL or champion:..."),
    notes: str | None = typer.Option(None, "--input", help="Labelled notes (accept, uncertain)."),
    report: str | None = typer.Option(None, "--report", help="HTML report to write."),
) -> None:
    """Scores a bundle against labelled notes: micro and macro F1 with intervals, per flag."""
    from thce.registry.console import print_evaluation

    given = {"model": model, "input": notes, "report": report}
    found = report_of("evaluate:EvaluateConfig", config, overrides, given)
    show(found, as_json, print_evaluation)


@app.command()
def sample(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    hydrated: str | None = typer.Option(None, "--hydrated", help="What hydrate wrote."),
    scores: str | None = typer.Option(None, "--scores", help="What score wrote, if a model is."),
    model: str | None = typer.Option(None, "--model", help="The bundle that made the scores."),
    store: str | None = typer.Option(None, "--store", help="The annotation store."),
    output: str | None = typer.Option(None, "--output", help="Batch of Prodigy tasks (.jsonl)."),
    strategy: str | None = typer.Option(
        None, "--strategy", help="disagreement, uncertainty, random, rare_boost or hybrid."
    ),
    limit: int | None = typer.Option(None, "--limit", help="Tasks in the batch."),
    seed: int | None = typer.Option(None, "--seed", help="Breaks ties."),
    blind_fraction: float | None = BLIND_FRACTION,
) -> None:
    """Draws the notes that a person should look at and writes a batch for Prodigy."""
    _run(
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
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    notes: list[str] = typer.Option([], "--notes", help="Notes: file, folder or glob. Repeatable."),
    output: str | None = typer.Option(
        None, "--output", help="Folder of the run; resumed if there."
    ),
    annotator: str | None = typer.Option(None, "--annotator", help="oracle, file or page."),
    answers: str | None = typer.Option(None, "--answers", help="Answers to the pending batch."),
    blind_fraction: float | None = BLIND_FRACTION,
) -> None:
    """Runs the diamond loop: score, sample, annotate, merge, train, evaluate, round by round."""
    from thce.registry.console import print_loop

    given = {
        "notes": notes or None,
        "output": output,
        "annotator": annotator,
        "answers": answers,
        "blind_fraction": blind_fraction,
    }
    found = report_of("loop:LoopConfig", config, overrides, given)
    show(found, as_json, print_loop)


cli_trust.add_to(app)
