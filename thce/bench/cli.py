"""`thce bench`: each speed and strategy against its rival, in one run and as JSON lines."""

from typing import TYPE_CHECKING

import typer

from thce.bench import cli_loop

if TYPE_CHECKING:
    from thce.bench.result import BenchResult

app = typer.Typer(no_args_is_help=True)
cli_loop.register(app)

JSON = typer.Option(False, "--json", help="Print the JSON line alone.")
REPETITIONS = typer.Option(None, "--repetitions", help="Timed repetitions of each side.")


@app.command()
def score(
    model: str | None = typer.Option(
        None, "--model", help="Bundle; by default one with an untrained head is built."
    ),
    base: str | None = typer.Option(None, "--base", help="Base weights of that bundle."),
    notes: str | None = typer.Option(
        None, "--input", help="Notes to repeat; by default synthetic ones."
    ),
    weights: list[str] = typer.Option([], "--weights", help="int8 or fp32; repeatable."),
    seconds: float | None = typer.Option(None, "--seconds", help="Length of one run of ours."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Scoring on Ray Data against transformers.pipeline and bare onnxruntime sessions."""
    _run(
        "score:ScoreBenchConfig",
        as_json,
        model=model,
        base=base,
        input=notes,
        weights=weights or None,
        seconds=seconds,
        repetitions=repetitions,
    )


@app.command()
def hydrate(
    notes: int | None = typer.Option(None, "--notes", help="Notes of the largest memory run."),
    small_notes: int | None = typer.Option(None, "--small-notes", help="Of the smallest one."),
    ray_notes: int | None = typer.Option(None, "--ray-notes", help="Of each timed run on Ray."),
    keyword_notes: int | None = typer.Option(
        None, "--keyword-notes", help="Of each timed pass over the keywords."
    ),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Keywords against `re`, hydration on Ray against plain processes, memory as notes grow."""
    _run(
        "hydrate:HydrateBenchConfig",
        as_json,
        notes=notes,
        small_notes=small_notes,
        ray_notes=ray_notes,
        keyword_notes=keyword_notes,
        repetitions=repetitions,
    )


@app.command()
def thresholds(
    notes: int | None = typer.Option(None, "--notes", help="Rows of the timed fit."),
    seeds: int | None = typer.Option(None, "--seeds", help="Held-out comparisons a size."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Exact cross-fitted thresholds against a grid of 0.05."""
    _run(
        "thresholds:ThresholdsBenchConfig",
        as_json,
        notes=notes,
        seeds=seeds,
        repetitions=repetitions,
    )


@app.command()
def train(
    base: str | None = typer.Option(None, "--base", help="Base weights."),
    notes: int | None = typer.Option(None, "--notes", help="Synthetic notes."),
    tokens: int | None = typer.Option(None, "--tokens", help="Most tokens of a note."),
    epochs: int | None = typer.Option(None, "--epochs", help="Timed epochs of a run."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Training steps under Ray and DeepSpeed against the same loop without them."""
    _run(
        "train:TrainBenchConfig",
        as_json,
        base=base,
        notes=notes,
        tokens=tokens,
        epochs=epochs,
        repetitions=repetitions,
    )


@app.command("coder-train")
def coder_train(
    data: str = typer.Option(..., "--data", help="Rows of stage 1 or 2."),
    base: str | None = typer.Option(None, "--base", help="Base weights."),
    micro_batch_size: int | None = typer.Option(None, "--micro-batch", help="Examples a pass."),
    accumulation: int | None = typer.Option(None, "--accumulation", help="Passes a step."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """The coder's training under Ray against plain TRL."""
    _run(
        "coder_train:CoderTrainBenchConfig",
        as_json,
        data=data,
        base=base,
        micro_batch_size=micro_batch_size,
        accumulation=accumulation,
        repetitions=repetitions,
    )


@app.command()
def coder(
    base: str | None = typer.Option(None, "--base", help="Base weights."),
    precision: str | None = typer.Option(None, "--precision", help="int4 or int8."),
    gguf: str | None = typer.Option(None, "--gguf", help="File for llama.cpp, if installed."),
    narratives: int | None = typer.Option(None, "--narratives", help="Of one repetition."),
    tokens: int | None = typer.Option(None, "--tokens", help="Of reasoning, at most."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Constrained answers at batch 1 against transformers.generate and llama.cpp."""
    _run(
        "coder:CoderBenchConfig",
        as_json,
        base=base,
        precision=precision,
        gguf=gguf,
        narratives=narratives,
        tokens=tokens,
        repetitions=repetitions,
    )


@app.command()
def ner(
    model: str | None = typer.Option(
        None, "--model", help="Bundle; by default one with an untrained head is built."
    ),
    base: str | None = typer.Option(None, "--base", help="Base weights of that bundle."),
    texts: str | None = typer.Option(
        None, "--input", help="Folder of .txt files to repeat; by default synthetic notes."
    ),
    documents: int | None = typer.Option(None, "--documents", help="Of each timed run."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Entities by batch and precision, against transformers.pipeline."""
    _run(
        "ner:NerBenchConfig",
        as_json,
        model=model,
        base=base,
        input=texts,
        documents=documents,
        repetitions=repetitions,
    )


@app.command()
def serve(
    model: str | None = typer.Option(
        None, "--model", help="Bundle; by default one with an untrained head is built."
    ),
    base: str | None = typer.Option(None, "--base", help="Base weights of that bundle."),
    config: str | None = typer.Option(None, "--config", help="A file of configs/serve/."),
    notes: int | None = typer.Option(None, "--notes", help="Synthetic notes of one pass."),
    seconds: float | None = typer.Option(None, "--seconds", help="Of overload."),
    coder: bool = typer.Option(True, help="Measure the coder's endpoint, too."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """The server against bare onnxruntime, plain FastAPI and an empty hop; overload and faults."""
    _run(
        "serve:ServeBenchConfig",
        as_json,
        model=model,
        base=base,
        config=config,
        notes=notes,
        seconds=seconds,
        coder=coder,
        repetitions=repetitions,
    )


@app.command("format")
def format_rows(
    rows: int | None = typer.Option(None, "--rows", help="Rows of official terms."),
    stage: int | None = typer.Option(None, "--stage", min=1, max=3, help="1, 2 or 3."),
    repetitions: int | None = REPETITIONS,
    as_json: bool = JSON,
) -> None:
    """Training rows from official terms on Ray Data against plain processes."""
    _run(
        "format:FormatBenchConfig",
        as_json,
        rows=rows,
        stage=stage,
        shard_rows=max(10, rows // 16) if rows and rows < 64_000 else None,
        repetitions=repetitions,
    )


def _run(bench: str, as_json: bool, **given: object) -> None:
    """Runs a bench of this room, prints what it found, and fails where a target is missed."""
    import importlib

    from thce.bench.machine import describe_machine
    from thce.bench.result import require_targets
    from thce.config import load
    from thce.steps import given_overrides

    name, config_class = bench.split(":")
    module = importlib.import_module(f"thce.bench.{name}")
    machine = describe_machine()
    config = load(getattr(module, config_class), None, given_overrides(given))
    result: BenchResult = module.run(config)
    if not as_json:
        _print_table(result)
    typer.echo(result.line(machine))
    require_targets(result)


def _print_table(result: "BenchResult") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("comparison", "ours", "rival", "unit", "ratio", "target", "")
    for one in result.comparisons:
        table.add_row(
            one.name,
            f"{one.ours:.4g}",
            f"{one.rival:.4g}",
            one.unit,
            f"{one.ratio:.3g}",
            one.target,
            "ok" if one.ok else "MISSED",
        )
    console = Console()
    console.print(table)
    for claim, held in result.checks.items():
        console.print(f"{'ok  ' if held else 'FAIL'} {claim}")
