"""Trains the tagger on brat folders, on Ray Train."""

import os
import shutil
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from thce import __version__
from thce.config import dump
from thce.errors import InputError
from thce.files import copy_folder, read_json, sha256_file, write_text
from thce.ner.corpus import fingerprint
from thce.ner.recipe import Recipe, TrainConfig
from thce.ner.training_data import TrainingData, prepare
from thce.notes.outputs import require_replaceable
from thce.paths import home, is_remote, resolve
from thce.progress import say
from thce.registry.train_inputs import first_weights
from thce.training import runs, weights
from thce.training.ray_train import fit
from thce.training.strategy import strategy_file

__all__ = ["Recipe", "TrainConfig", "run"]

PRODUCT = (
    "model",
    "tokenizer",
    "config.yaml",
    "metrics.jsonl",
    "splits.json",
    "tags.json",
    "training.json",
    "transitions.json",
    "wandb",
)


def run(config: TrainConfig) -> dict[str, Any]:
    """Trains and writes model/, tokenizer/, tags.json, splits.json, config.yaml, metrics.jsonl.

    Run again with the same configuration and data it goes on from the last whole checkpoint.

    Returns:
        The output folder, documents per split, best epoch, validation scores and seconds.

    Raises:
        InputError: a brat file is wrong, weights are not fetched, or the cluster lacks what the
            scaling asks for.
        Finding: two splits share a text.
    """
    started = time.perf_counter()
    if is_remote(config.output):
        raise InputError("output: training writes to a local folder; publish the bundle instead")
    if config.wandb is not None and find_spec("wandb") is None:
        raise InputError(
            "wandb: the package is not installed; `pip install wandb`, or leave it out"
        )
    if config.average > 0 and config.strategy != "ddp":
        raise InputError("average: DeepSpeed keeps no average of the weights; set average=0")
    output = Path(resolve(config.output))
    require_replaceable("output", output, PRODUCT)
    config = config.model_copy(update=_absolute(config))
    data = prepare(config.input, config.split, config.types)
    storage = resolve(config.storage or str(home() / "ray_train"))
    name = runs.run_name("ner", output, _depends_on(config, data))
    if config.resume and runs.finished_run(output) == name:
        say("train", f"{output} holds this training already")
        runs.forget_run(storage, name)
    else:
        settings = config.model_dump(mode="json") | {"home": str(home()), "run": name}
        with runs.claimed_run(storage, name, resume=config.resume):
            checkpoint = fit(train_worker, settings, config.scaling, name, storage)
            with checkpoint.as_directory() as folder:
                _collect(Path(folder) / "final", output, config)
            runs.forget_run(storage, name)
        if config.wandb is not None:
            from thce.ner.wandb_run import report_run

            report_run(config, output)
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

    from thce.ner.training_parts import build_parts
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
            parts.write_product(folder / "final", progress, trainer.best)

    reporter.report({"finished": True, "best_score": progress.best_score, **last}, save)


def _absolute(config: TrainConfig) -> dict[str, Any]:
    """Paths and the model's name in words that hold in any folder: workers have another one."""
    folders = [config.input] if isinstance(config.input, str) else config.input
    update: dict[str, Any] = {
        "input": [resolve(folder) for folder in folders],
        "strategy": strategy_file(config.strategy),
    }
    if config.split.file is not None:
        update["split"] = config.split.model_copy(update={"file": resolve(config.split.file)})
    if config.init_from is not None:
        update["init_from"] = resolve(config.init_from)
    elif config.model_name not in weights.PACKAGES:
        update["model_name"] = weights.resolve(config.model_name)
    return update


def _depends_on(config: TrainConfig, data: TrainingData) -> dict[str, Any]:
    """All that the product depends on: two commands that agree in it mean the same run."""
    given = config.model_dump(mode="json", exclude={"input", "output", "resume", "wandb"})
    return {
        "config": given,
        "data": fingerprint(data.documents),
        "assignment": data.assignment,
        "first_weights": first_weights(config.model_name, config.init_from),
        "strategy": None if config.strategy == "ddp" else sha256_file(config.strategy),
        "thce": __version__,
    }


def _copy_of(product: Path, rank: int) -> Any:
    def save(folder: Path) -> None:
        if rank == 0:
            shutil.copytree(product, folder / "final")

    return save


def _collect(product: Path, output: Path, config: TrainConfig) -> None:
    """Copies the product of a run to the output folder, whole or not at all."""
    staging = output.with_name(f".{output.name}.tmp")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        copy_folder(product, staging)
        write_text(staging / "config.yaml", dump(config))
        shutil.rmtree(output, ignore_errors=True)
        staging.rename(output)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
