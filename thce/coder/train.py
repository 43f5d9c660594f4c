"""Trains one stage of the coder on Ray Train: TRL's trainers, plain or under DeepSpeed."""

import json
import os
import shutil
import tempfile
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from thce import __version__
from thce.coder.base_model import starting_folders
from thce.coder.train_config import TrainConfig
from thce.coder.training_rows import data_files
from thce.config import dump
from thce.errors import InputError
from thce.files import read_json, replace_folder, sha256_file
from thce.notes.outputs import require_replaceable
from thce.paths import home, is_remote, resolve
from thce.progress import say
from thce.training import runs
from thce.training.deepspeed_output import deepspeed_to_stderr
from thce.training.strategy import strategy_file
from thce.training.weights import WEIGHTS_FILE

PRODUCT = ("model", "tokenizer", "config.yaml", "metrics.jsonl", "training.json")

__all__ = ["TrainConfig", "run"]


def run(config: TrainConfig) -> dict[str, Any]:
    """Trains a stage and writes model/, tokenizer/, config.yaml, metrics.jsonl and training.json.

    Run again with the same configuration and data it goes on from the last whole checkpoint.

    Returns:
        The output folder, lengths, last figures and seconds; of a dry run what it found.

    Raises:
        InputError: data, weights or earlier stage are not there or not what they should be, or
            the cluster lacks what the scaling asks for.
    """
    from thce.coder.dry_run import dry_run
    from thce.training.ray_train import fit

    started = time.perf_counter()
    settings = resolved_settings(config)
    if config.dry_run:
        return dry_run(settings)
    output = Path(settings["output"])
    storage = resolve(config.storage or str(home() / "ray_train"))
    name = runs.run_name("coder", output, depends_on(settings))
    if config.resume and runs.finished_run(output) == name:
        say("train", f"{output} holds this training already")
        runs.forget_run(storage, name)
    else:
        settings |= {"run": name, "home": str(home())}
        with runs.claimed_run(storage, name, resume=config.resume):
            checkpoint = fit(train_worker, settings, config.scaling, name, storage)
            with checkpoint.as_directory() as folder:
                replace_folder(Path(folder) / "final", output, {"config.yaml": dump(config)})
            runs.forget_run(storage, name)
        if config.hub is not None:
            _push(output, config.hub)
    report = dict(read_json(output / "training.json"))
    return report | {"output": str(output), "seconds": round(time.perf_counter() - started, 1)}


def resolved_settings(config: TrainConfig) -> dict[str, Any]:
    """The configuration as a dict with absolute paths, and the folders of the starting model.

    Raises:
        InputError: see `run`.
    """
    if is_remote(config.output):
        raise InputError("output: training writes to a local folder; publish the bundle instead")
    output = Path(resolve(config.output))
    require_replaceable("output", output, PRODUCT)
    if config.wandb is not None and find_spec("wandb") is None:
        raise InputError(
            "wandb: the package is not installed; `pip install wandb`, or leave it out"
        )
    data = resolve(config.data)
    hashes = {file.name: sha256_file(file) for file in data_files(data)}
    init_from = None if config.init_from is None else resolve(config.init_from)
    model, tokenizer = starting_folders(config.model_name, init_from)
    return config.model_dump(mode="json") | {
        "data": data,
        "data_fingerprint": sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest(),
        "output": str(output),
        "init_from": init_from,
        "strategy": strategy_file(config.strategy),
        "model_folder": str(model),
        "tokenizer_folder": str(tokenizer),
        "threads": config.scaling.threads or os.cpu_count() or 1,
    }


def depends_on(settings: dict[str, Any]) -> dict[str, Any]:
    """All that the product depends on: two commands that agree in it mean the same run."""
    places = ("data", "output", "resume", "dry_run", "model_folder", "tokenizer_folder", "threads")
    return {
        "config": {name: value for name, value in settings.items() if name not in places},
        "first_weights": sha256_file(Path(settings["model_folder"]) / WEIGHTS_FILE),
        "strategy": None if settings["strategy"] == "ddp" else sha256_file(settings["strategy"]),
        "thce": __version__,
    }


def train_worker(settings: dict[str, Any]) -> None:
    """One Ray Train worker: the same function on a CPU and on many GPUs."""
    import ray.train.torch

    from thce.training.ray_train import quiet_worker
    from thce.training.reporters import RayReporter

    os.environ["THCE_HOME"] = settings["home"]
    quiet_worker()
    train_on_device(settings, RayReporter(), ray.train.torch.get_device())


def train_on_device(settings: dict[str, Any], reporter: Any, device: Any) -> None:
    """Trains on one device of a possibly larger group and reports the product at the end.

    Args:
        settings: what `resolved_settings` gives, with `run`.
        reporter: a Reporter; without Ray, `thce.training.reporters.LocalReporter`.
        device: torch.device.
    """
    import torch

    deepspeed_to_stderr(device.type)
    from thce.coder.train_parts import build_parts
    from thce.coder.train_product import write_product
    from thce.coder.trainers import ReportCheckpoints, ShowProgress

    with reporter.resume_folder() as folder:
        if folder is not None and (folder / "final").is_dir():
            reporter.report({"finished": True}, _copy_of(folder / "final", reporter.rank))
            return
        torch.set_num_threads(int(settings["threads"]))
        with tempfile.TemporaryDirectory(prefix="thce-train-") as scratch:
            parts = build_parts(settings, reporter, device, Path(scratch))
            if reporter.rank == 0:
                say("train", f"lengths {parts.fitted.report()}")
            trainer = parts.trainer
            trainer.add_callback(ReportCheckpoints(reporter, trainer.meter))
            trainer.add_callback(ShowProgress())
            trainer.meter.restart()
            torch.set_flush_denormal(True)  # AdamW's first steps crawl over denormal squares
            try:
                trainer.train(resume_from_checkpoint=folder and str(folder / "checkpoint"))
            finally:
                torch.set_flush_denormal(False)
            weights = trainer.accelerator.get_state_dict(trainer.model_wrapped)

            def save(target: Path) -> None:
                if reporter.rank == 0:
                    write_product(target / "final", settings, parts, weights)

            reporter.report({"finished": True}, save)


def _copy_of(product: Path, rank: int) -> Any:
    def save(folder: Path) -> None:
        if rank == 0:
            shutil.copytree(product, folder / "final")

    return save


def _push(output: Path, hub: str) -> None:
    """Uploads model and tokenizer to a private repository of a model hub.

    Raises:
        InputError: the hub does not answer or does not take it; the output is complete.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    api = HfApi()
    try:
        api.create_repo(hub, private=True, exist_ok=True)
        for part in ("model", "tokenizer"):
            api.upload_folder(repo_id=hub, folder_path=str(output / part))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        reason = str(error).strip().partition("\n")[0][:200]
        raise InputError(f"hub: {hub}: {reason}; {output} is complete, push it by hand") from None
