"""Runs a worker function on Ray Train: 1..N workers, CPU with gloo or GPU with nccl."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from thce.config import Config
from thce.errors import InputError


class Scaling(Config):
    """Workers and what each one gets."""

    workers: int = 1
    use_gpu: bool | Literal["auto"] = "auto"
    threads: int | None = None
    max_failures: int = 1


def fit(
    worker: Callable[[dict[str, Any]], None],
    settings: dict[str, Any],
    scaling: Scaling,
    name: str,
    storage: str,
) -> Path:
    """Trains, and returns the local folder of the last checkpoint that the workers reported.

    A run of the same name under the same storage is resumed from its last checkpoint.

    Args:
        worker: the function of each worker; it must report a checkpoint at its end.
        settings: passed to the worker as its one argument.
        scaling: workers and resources.
        name: the run's name under the storage.
        storage: an absolute path or fsspec URL that all nodes reach.

    Raises:
        InputError: the cluster has not what the scaling asks for.
        ray.train.TrainingFailedError: a worker failed more often than `max_failures`.
    """
    import ray
    import ray.train
    from ray.train.torch import TorchConfig, TorchTrainer

    from thce.engine import start_ray

    resources = start_ray()
    use_gpu = resources.get("GPU", 0) >= 1 if scaling.use_gpu == "auto" else scaling.use_gpu
    threads = scaling.threads or max(1, int(resources.get("CPU", 1)) // scaling.workers)
    _require(resources, scaling, threads, use_gpu)
    per_worker: dict[str, float] = {"CPU": threads}
    if use_gpu:
        per_worker["GPU"] = 1
    trainer = TorchTrainer(
        worker,
        train_loop_config=settings | {"threads": threads},
        torch_config=TorchConfig(backend="nccl" if use_gpu else "gloo"),
        scaling_config=ray.train.ScalingConfig(
            num_workers=scaling.workers, use_gpu=use_gpu, resources_per_worker=per_worker
        ),
        run_config=ray.train.RunConfig(
            name=name,
            storage_path=storage,
            failure_config=ray.train.FailureConfig(max_failures=scaling.max_failures),
            checkpoint_config=ray.train.CheckpointConfig(num_to_keep=1),
            worker_runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads)}},
        ),
    )
    result = trainer.fit()
    return Path(result.checkpoint.to_directory())


def quiet_worker() -> None:
    """Keeps a worker's output to what the reporter prints; warnings still show."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    for name in list(logging.root.manager.loggerDict):
        if "ray.train" in name or "ray/train" in name:  # some are named after their file
            logging.getLogger(name).setLevel(logging.WARNING)


def _require(resources: dict[str, Any], scaling: Scaling, threads: int, use_gpu: bool) -> None:
    cpus, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    if scaling.workers * threads > cpus:
        raise InputError(
            f"scaling: {scaling.workers} workers of {threads} threads need "
            f"{scaling.workers * threads} CPUs and the cluster has {cpus}; lower one of them"
        )
    if use_gpu and scaling.workers > gpus:
        raise InputError(
            f"scaling: {scaling.workers} GPU workers, but the cluster has {gpus} GPUs; "
            "lower scaling.workers or set scaling.use_gpu=false"
        )
