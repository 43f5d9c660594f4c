"""`thce bench train`: training steps under Ray and DeepSpeed against the same loop without them."""

import json
import multiprocessing
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from pydantic import Field

from thce.bench.child_threads import child_threads
from thce.bench.load_notes import USUAL_WORDS, load_rows
from thce.bench.machine import usable_cores
from thce.bench.result import BenchResult, at_least
from thce.config import Config
from thce.files import read_jsonl, write_json
from thce.paths import home

LEAST = 0.95
WARM_UP_EPOCHS = 1
LOSS_TOLERANCE = 5e-3
"""fp32 sums in another order, with dropout drawn alike."""


class TrainBenchConfig(Config):
    """What is trained, and for how long.

    Attributes:
        base: base weights: a name that `thce weights list` shows, a folder, or a hub's name.
        notes: synthetic notes, seven tenths of which are trained on.
        tokens: most tokens of a note.
        epochs: timed epochs of a run, after one that warms up.
        repetitions: runs of each side.
    """

    base: str = "minilm"
    notes: int = Field(140, ge=20)
    tokens: int = Field(128, ge=8)
    epochs: int = Field(3, ge=1)
    repetitions: int = Field(2, ge=1)


def run(config: TrainBenchConfig) -> BenchResult:
    """Trains the same steps on both sides in turn, and compares steps per second."""
    from thce.engine import start_ray
    from thce.training import weights

    weights.resolve(config.base)
    cores = usable_cores()
    with TemporaryDirectory(prefix="thce-bench-") as name:
        folder = Path(name)
        dataset = _write_dataset(config.notes, folder)
        start_ray(cpus=cores, worker_logs=False)
        settings = _settings(config, dataset, folder)
        bare: list[list[dict[str, Any]]] = []
        ours: list[list[dict[str, Any]]] = []
        for repetition in range(config.repetitions):
            sides = [
                lambda: bare.append(_bare(settings, cores, folder)),
                lambda: ours.append(_ray_and_deepspeed(settings, folder)),
            ]
            for side in sides if repetition % 2 == 0 else reversed(sides):
                side()
        steps = _steps_per_epoch(settings, dataset)
    return BenchResult(
        name="train",
        comparisons=(
            at_least(
                "steps per second under Ray and DeepSpeed",
                f"fp32 training of {config.base} on {cores} threads, {settings['batch_size']} "
                f"notes of at most {config.tokens} tokens a step; ours: one Ray Train worker with "
                "DeepSpeed ZeRO-1; rival: the same loop function in a plain process with AdamW; "
                "the same batches and seeds; the time of the epochs' steps, without start, "
                "validation and the first epoch",
                "steps per second",
                median(_rates(ours, steps)),
                median(_rates(bare, steps)),
                LEAST,
            ),
        ),
        repetitions=config.repetitions,
        notes=config.notes,
        cores=cores,
        checks={"both sides have the same losses": _same_losses(ours, bare)},
        details={
            "steps_per_epoch": steps,
            "timed_epochs": config.epochs,
            "steps_per_second_ours": list(_rates(ours, steps)),
            "steps_per_second_rival": list(_rates(bare, steps)),
        },
    )


def _settings(config: TrainBenchConfig, dataset: str, folder: Path) -> dict[str, Any]:
    """What a training worker is given; the strategy is each side's own."""
    from thce.registry.train import TrainConfig

    tail = config.tokens // 4
    return TrainConfig(
        dataset=dataset,
        output=str(folder / "unused"),
        model_name=config.base,
        head_tokens=config.tokens - tail,
        tail_tokens=tail,
        epochs=WARM_UP_EPOCHS + config.epochs,
        patience=0,
        checkpoint_every=0,
        precision="fp32",
    ).model_dump(mode="json") | {"home": str(home()), "run": "bench"}


def _write_dataset(notes: int, folder: Path) -> str:
    """A dataset of synthetic notes with the labels that hydration gives them."""
    from thce.notes.rows import parse_row, to_table
    from thce.registry.dataset import DatasetConfig
    from thce.registry.dataset import run as build
    from thce.registry.hydrate_ray import prepare_and_hydrate

    rows = to_table([parse_row(row) for row in load_rows(notes, USUAL_WORDS)])
    hydrated: pa.Table = prepare_and_hydrate(rows)
    parquet.write_table(hydrated, folder / "hydrated.parquet")
    output = str(folder / "dataset")
    build(DatasetConfig(hydrated=str(folder / "hydrated.parquet"), output=output))
    return output


def _steps_per_epoch(settings: dict[str, Any], dataset: str) -> int:
    from thce.registry.dataset import read_split

    return -(-len(read_split(dataset, "train").texts) // int(settings["batch_size"]))


def _ray_and_deepspeed(settings: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The epochs' metrics of one run under Ray Train."""
    from thce.registry.train import train_worker
    from thce.training.ray_train import Scaling, fit

    strategy = folder / "zero1.json"
    write_json(strategy, {"zero_optimization": {"stage": 1}})
    number = len(list(folder.glob("ray-*")))
    (folder / f"ray-{number}").mkdir()
    checkpoint = fit(
        train_worker,
        settings | {"strategy": str(strategy)},
        Scaling(workers=1, use_gpu=False, max_failures=0),
        f"run-{number}",
        str(folder / f"ray-{number}"),
    )
    with checkpoint.as_directory() as product:
        return read_jsonl(Path(product) / "final" / "metrics.jsonl")


def _bare(settings: dict[str, Any], threads: int, folder: Path) -> list[dict[str, Any]]:
    """The epochs' metrics of one run in a plain process.

    Raises:
        RuntimeError: the process failed.
    """
    target = folder / "bare.json"
    number = len(list(folder.glob("bare-*")))  # a run in the folder of another would resume it
    with child_threads(threads):  # a Ray worker has it from its start, too
        context = multiprocessing.get_context("spawn")
        process = context.Process(
            target=_train_bare,
            args=(
                settings | {"threads": threads, "strategy": "ddp"},
                folder / f"bare-{number}",
                target,
            ),
        )
        process.start()
        process.join()
    if process.exitcode:
        raise RuntimeError("the bare training failed; its traceback is above")
    return list(json.loads(target.read_text(encoding="utf-8")))


def _train_bare(settings: dict[str, Any], folder: Path, target: Path) -> None:
    import torch

    from thce.registry.train import train_on_device
    from thce.training.ray_train import quiet_worker
    from thce.training.reporters import LocalReporter

    quiet_worker()
    reporter = LocalReporter(folder)
    train_on_device(settings, reporter, torch.device("cpu"))
    write_json(target, [one for one in reporter.reports if "finished" not in one])


def _rates(runs: list[list[dict[str, Any]]], steps: int) -> Iterator[float]:
    """Steps per second of every timed epoch of every run."""
    for epochs in runs:
        for epoch in epochs[WARM_UP_EPOCHS:]:
            yield steps / epoch["train_seconds"]


def _same_losses(ours: list[list[dict[str, Any]]], bare: list[list[dict[str, Any]]]) -> bool:
    return all(
        abs(one["train_loss"] - other["train_loss"]) <= LOSS_TOLERANCE
        for mine, theirs in zip(ours, bare, strict=True)
        for one, other in zip(mine, theirs, strict=True)
    )
