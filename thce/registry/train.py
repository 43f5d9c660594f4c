"""Trains the registry's classifier on what the dataset step wrote, on Ray Train."""

import os
import shutil
import time
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from thce.config import Config, dump
from thce.errors import InputError
from thce.files import read_json, replace_folder
from thce.notes.outputs import require_replaceable
from thce.paths import home, is_remote, resolve
from thce.progress import say
from thce.registry import train_inputs
from thce.training import runs
from thce.training.precision import Precision
from thce.training.ray_train import Scaling
from thce.training.strategy import strategy_file

PRODUCT = (
    "model",
    "tokenizer",
    "config.yaml",
    "metrics.jsonl",
    "training.json",
    "validation.npz",
)


class Recipe(Config):
    """How the model learns, whatever it learns from.

    Attributes:
        model_name: a registry package (minilm, mpnet), a folder, or a hub's name.
        head: label_attention (one attention query per flag) or mean.
        head_tokens: tokens kept from a long note's start.
        tail_tokens: tokens kept from its end.
        epochs: the most epochs.
        batch_size: notes per optimizer step, over all workers.
        micro_batch_size: notes per forward pass of one worker.
        learning_rate: peak rate of the encoder.
        head_learning_rate: peak rate of the head.
        weight_decay: of matrices; biases and norms have none.
        warmup: share of the steps with a rising rate.
        dropout: hidden dropout of the encoder while training; attention has none.
        freeze_layers: embeddings and so many lower layers stay as they are; 0 trains all.
        clip: largest gradient norm.
        patience: epochs without a better validation macro F1 before stopping; 0 never stops.
        checkpoint_every: epochs between resumable checkpoints; 0 keeps only the end.
        pos_weight_cap: the most that a positive cell may count.
        max_notes: train on at most so many notes, those that people labelled first, then those
            with a true flag; None takes all.
        precision: auto, fp32 or bf16.
        strategy: ddp (plain with one worker) or the path of a DeepSpeed JSON file.
        seed: of shuffling, dropout and fresh weights.
        scaling: workers, threads, GPUs, restarts.
    """

    model_name: str = "minilm"
    head: Literal["label_attention", "mean"] = "label_attention"
    head_tokens: int = Field(384, ge=2)
    tail_tokens: int = Field(128, ge=0)
    epochs: int = Field(10, ge=1)
    batch_size: int = Field(16, ge=1)
    micro_batch_size: int = Field(8, ge=1)
    learning_rate: float = Field(2e-4, gt=0)
    head_learning_rate: float = Field(1e-3, gt=0)
    weight_decay: float = Field(0.01, ge=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    dropout: float = Field(0.1, ge=0, lt=1)
    freeze_layers: int = Field(0, ge=0)
    clip: float = Field(1.0, gt=0)
    patience: int = Field(3, ge=0)
    checkpoint_every: int = Field(1, ge=0)
    pos_weight_cap: float = Field(100.0, ge=1)
    max_notes: int | None = Field(None, ge=1)
    precision: Precision = "auto"
    strategy: str = "ddp"
    seed: int = 42
    scaling: Scaling = Scaling()


class TrainConfig(Recipe):
    """A recipe with what it is applied to.

    Attributes:
        dataset: the folder that the dataset step wrote.
        output: local folder for model, tokenizer, metrics and validation scores.
        init_from: model folder of an earlier training output or bundle, to go on from.
        storage: where Ray Train keeps checkpoints; by default under THCE_HOME.
        resume: go on with an interrupted run of the same configuration and data, and take a
            finished one as it is; False starts over.
    """

    dataset: str
    output: str
    init_from: str | None = None
    storage: str | None = None
    resume: bool = True


def run(config: TrainConfig) -> dict[str, Any]:
    """Trains and writes model/, tokenizer/, config.yaml, metrics.jsonl and validation.npz.

    Run again with the same configuration and data it goes on from the last whole checkpoint, and
    ends with the losses of a run that was never interrupted.

    Returns:
        The output folder, best epoch, validation scores and seconds.

    Raises:
        InputError: the dataset is absent or altered, weights are not fetched, or the cluster
            lacks what the scaling asks for.
    """
    from thce.training.ray_train import fit

    started = time.perf_counter()
    if is_remote(config.output):
        raise InputError("output: training writes to a local folder; publish the bundle instead")
    output = Path(resolve(config.output))
    require_replaceable("output", output, PRODUCT)
    storage = resolve(config.storage or str(home() / "ray_train"))
    strategy = strategy_file(config.strategy)
    first_weights = train_inputs.first_weights(config.model_name, config.init_from)
    config = config.model_copy(update=train_inputs.starting_point(config))
    train_inputs.require_labels(config.dataset)
    given = config.model_dump(mode="json", exclude={"dataset", "output", "resume"})
    depends_on = train_inputs.depends_on(given, config.dataset, first_weights, strategy)
    name = runs.run_name("registry", output, depends_on)
    if config.resume and runs.finished_run(output) == name:
        say("train", f"{output} holds this training already")
        runs.forget_run(storage, name)
    else:
        settings = config.model_dump(mode="json") | {
            "dataset": resolve(config.dataset),
            "home": str(home()),
            "strategy": strategy,
            "run": name,
        }
        with runs.claimed_run(storage, name, resume=config.resume):
            checkpoint = fit(train_worker, settings, config.scaling, name, storage)
            with checkpoint.as_directory() as folder:
                replace_folder(Path(folder) / "final", output, {"config.yaml": dump(config)})
            runs.forget_run(storage, name)
    report = dict(read_json(output / "training.json"))
    return report | {"output": str(output), "seconds": round(time.perf_counter() - started, 1)}


def train_worker(settings: dict[str, Any]) -> None:
    """One Ray Train worker: the same function on a CPU and on many GPUs."""
    import ray.train.torch

    from thce.training.ray_train import quiet_worker
    from thce.training.reporters import RayReporter

    os.environ["THCE_HOME"] = settings["home"]
    quiet_worker()
    reporter = RayReporter()
    device = ray.train.torch.get_device()
    with reporter.resume_folder() as folder:
        if folder is not None and (folder / "final").is_dir():
            reporter.report({"finished": True}, _copy_of(folder / "final", reporter.rank))
            return
    train_on_device(settings, reporter, device)


def train_on_device(settings: dict[str, Any], reporter: Any, device: Any) -> None:
    """Trains on one device of a possibly larger group and reports the product at the end.

    Args:
        settings: `TrainConfig` as a dict, with `threads`, `run` and resolved paths.
        reporter: a Reporter; without Ray, `thce.training.reporters.LocalReporter`.
        device: torch.device.
    """
    import torch

    from thce.registry.training_parts import build_parts
    from thce.training.loop import Trainer

    torch.set_num_threads(int(settings["threads"]))
    parts = build_parts(settings, reporter.rank, reporter.world_size, device)
    trainer = Trainer(parts.task, parts.replica, parts.plan, parts.schedule, reporter)
    torch.set_flush_denormal(True)  # AdamW's first steps crawl over denormal squares on a CPU
    try:
        progress = trainer.run()
    finally:
        torch.set_flush_denormal(False)
    last = progress.history[-1]

    def save(folder: Path) -> None:
        if reporter.rank == 0:
            parts.write_product(folder / "final", progress)

    parts.load_best(trainer.best)
    parts.score_validation()
    reporter.report({"finished": True, "best_score": progress.best_score, **last}, save)


def _copy_of(product: Path, rank: int) -> Any:
    def save(folder: Path) -> None:
        if rank == 0:
            shutil.copytree(product, folder / "final")

    return save
