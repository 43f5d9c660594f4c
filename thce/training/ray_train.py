"""Runs a worker function on Ray Train: 1..N workers, CPU with gloo or GPU with nccl."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal

from thce.config import Config
from thce.errors import InputError, input_error
from thce.training.checkpoints import KEPT


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
) -> Any:
    """Trains, and returns the last checkpoint that the workers reported (a ray.train.Checkpoint).

    A run of the same name under the same storage is resumed from its last whole checkpoint.

    Args:
        worker: the function of each worker; it must report a checkpoint at its end.
        settings: passed to the worker as its one argument.
        scaling: workers and resources.
        name: the run's name under the storage.
        storage: an absolute path or fsspec URL that all nodes reach.

    Raises:
        InputError: the cluster has not what the scaling asks for, a worker found the input wrong
            or the disk full, or workers were lost more often than `max_failures`.
        ray.train.TrainingFailedError: a worker raised anything else.
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
            checkpoint_config=ray.train.CheckpointConfig(num_to_keep=KEPT),
            worker_runtime_env={"env_vars": {"OMP_NUM_THREADS": str(threads)}},
        ),
    )
    try:
        return trainer.fit().checkpoint
    except ray.train.TrainingFailedError as error:
        reason = _said_by_worker(error) or _lost_worker(error, scaling)
        if reason is None:
            raise
        raise InputError(reason) from None


def _said_by_worker(error: Any) -> str | None:
    """What a worker said of the user's input or disk, where that is why training failed."""
    for cause in _causes(error):
        if isinstance(cause, InputError):
            return str(cause)
        if isinstance(cause, OSError):
            return str(input_error(cause))
    return None


def _lost_worker(error: Any, scaling: Scaling) -> str | None:
    """What to do about workers that were killed, where that is why training failed."""
    from ray.exceptions import RayActorError

    if not any(isinstance(cause, RayActorError) for cause in _causes(error)):
        return None
    return (
        "training: a worker was killed, or its memory ran out, and all restarts "
        f"(scaling.max_failures={scaling.max_failures}) are used up; run the same command again "
        "to go on from the last checkpoint"
    )


def _causes(error: Any) -> Iterator[BaseException]:
    """The exceptions behind a failed training, as its workers raised them."""
    pending: list[Any] = list(getattr(error, "worker_failures", {}).values())
    pending.append(getattr(error, "controller_failure", None))
    while pending:
        cause = pending.pop()
        if isinstance(cause, BaseException):
            yield cause
            pending += [getattr(cause, "cause", None), cause.__cause__]


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
