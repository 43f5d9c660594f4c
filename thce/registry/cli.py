"""`thce registry`: every step of the diamond loop, each with its configuration.

A step takes `--config FILE` (YAML), `--set a.b=value` for any field, and options for the fields
that are given most often; options overrule `--set`, which overrules the file.
"""

import json
from typing import Any

import typer

from thce.errors import Finding

app = typer.Typer(no_args_is_help=True)

CONFIG = typer.Option(None, "--config", "-c", help="YAML file with the step's configuration.")
SET = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value. Repeatable.")
JSON = typer.Option(False, "--json", help="Print the report as JSON.")
BLIND_FRACTION = typer.Option(
    None, "--blind-fraction", help="Share of tasks without prefill, to measure its pull."
)


def _report(
    module: str, config: str | None, overrides: list[str], shortcuts: dict[str, Any]
) -> dict[str, Any]:
    """Runs a step of this room."""
    from thce.steps import run_step

    name, config_class = module.split(":")
    return run_step(f"thce.registry.{name}", config_class, config, overrides, **shortcuts)


def _run(
    module: str, config: str | None, overrides: list[str], as_json: bool, **shortcuts: Any
) -> None:
    """Runs a step of this room and prints its report."""
    report = _report(module, config, overrides, shortcuts)
    if as_json:
        typer.echo(json.dumps(report, default=str, allow_nan=False))
    else:
        _show(report)


def _show(report: dict[str, Any], indent: str = "") -> None:
    """Prints a report for a person: one line per value, groups indented."""
    for name, value in report.items():
        if isinstance(value, dict) and value:
            typer.echo(f"{indent}{name}:")
            _show(value, indent + "  ")
        elif isinstance(value, float):
            typer.echo(f"{indent}{name}: {value:.4g}")
        elif isinstance(value, list) and len(value) > 12:
            typer.echo(f"{indent}{name}: {len(value)} entries (--json shows them)")
        else:
            typer.echo(f"{indent}{name}: {value}")


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
    given = {"model": model, "input": notes, "report": report}
    found = _report("evaluate:EvaluateConfig", config, overrides, given)
    if as_json:
        typer.echo(json.dumps(found, default=str, allow_nan=False))
        return
    from thce.registry.console import print_evaluation

    print_evaluation(found)


@app.command()
def abstain(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    model: str | None = typer.Option(None, "--model", help="Bundle: folder, URL or champion:..."),
    notes: str | None = typer.Option(
        None, "--input", help="Labelled notes that the bundle was not fitted on."
    ),
    output: str | None = typer.Option(None, "--output", help="The file of cutoffs to write."),
    precision: float | None = typer.Option(
        None, "--precision", help="Share of automatically accepted flags that must be right."
    ),
    confidence: float | None = typer.Option(None, "--confidence", help="With how much confidence."),
) -> None:
    """Finds from which score on a flag may be accepted without a person, at a stated precision."""
    given = {
        "model": model,
        "input": notes,
        "output": output,
        "precision": precision,
        "confidence": confidence,
    }
    found = _report("abstain:AbstainConfig", config, overrides, given)
    if as_json:
        typer.echo(json.dumps(found, allow_nan=False))
    else:
        from thce.registry.console import print_abstention

        print_abstention(found)
    if all(one["cutoff"] is None for one in found["flags"].values()):
        raise Finding(
            f"no flag reaches precision {found['precision']} with confidence "
            f"{found['confidence']} on these notes; {found['output']} leaves every note to people"
        )


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
    annotator: str | None = typer.Option(None, "--annotator", help="oracle or file."),
    answers: str | None = typer.Option(None, "--answers", help="Answers to the pending batch."),
    blind_fraction: float | None = BLIND_FRACTION,
) -> None:
    """Runs the diamond loop: score, sample, annotate, merge, train, evaluate, round by round."""
    given = {
        "notes": notes or None,
        "output": output,
        "annotator": annotator,
        "answers": answers,
        "blind_fraction": blind_fraction,
    }
    found = _report("loop:LoopConfig", config, overrides, given)
    if as_json:
        typer.echo(json.dumps(found, default=str, allow_nan=False))
        return
    from thce.registry.console import print_loop

    print_loop(found)


@app.command()
def crossval(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    notes: list[str] = typer.Option([], "--notes", help="Labelled notes. Repeatable."),
    output: str | None = typer.Option(
        None, "--output", help="Folder of the run; resumed if there."
    ),
    by: str | None = typer.Option(None, "--by", help="fold, or file: leave one out of --notes."),
    folds: int | None = typer.Option(None, "--folds", help="Folds of each repetition."),
    repeats: int | None = typer.Option(None, "--repeats", help="Repetitions with other folds."),
) -> None:
    """Judges a recipe on every labelled note, by models that never saw it or its author."""
    given = {
        "notes": notes or None,
        "output": output,
        "by": by,
        "folds": folds,
        "repeats": repeats,
    }
    found = _report("crossval:CrossvalConfig", config, overrides, given)
    if as_json:
        typer.echo(json.dumps(found, default=str, allow_nan=False))
        return
    from thce.registry.console import print_crossval

    print_crossval(found)


@app.command()
def audit(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    crossval: str | None = typer.Option(None, "--crossval", help="What crossval wrote."),
    store: str | None = typer.Option(None, "--store", help="The annotation store."),
    limit: int | None = typer.Option(None, "--limit", help="Notes to look at again; 0: none."),
    output: str | None = typer.Option(None, "--output", help="Batch of Prodigy tasks (.jsonl)."),
) -> None:
    """Finds labels that are probably wrong and puts their notes before a person again."""
    given = {"crossval": crossval, "store": store, "limit": limit, "output": output}
    found = _report("audit:AuditConfig", config, overrides, given)
    if as_json:
        typer.echo(json.dumps(found, allow_nan=False))
        return
    from thce.registry.console import print_audit

    print_audit(found)
