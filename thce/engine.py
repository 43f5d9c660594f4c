"""Starting Ray so that it fits the machine it runs on; joining a cluster where one is."""

import atexit
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thce.errors import InputError

OBJECT_STORE_BYTES = 512 * 1024**2
BLOCK_BYTES = 16 * 1024**2
"""Ray Data starts no task for which the object store may lack room, and before it has seen one it
reckons with two blocks of this size; with its own 128 MiB a small store lets one task run."""

SETTINGS = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # Ray's coming default, without its warning
    "RAY_TRAIN_ENABLE_PRINT_PATCH": "0",  # a worker's line is shown once, not twice
    "RAY_worker_niceness": "0",  # training is what the machine is for
    "RAY_USAGE_STATS_ENABLED": "0",  # offline by default
}

_FAILURE_LOGGERS = (
    "ray.data.exceptions",
    "ray.data._internal.execution.streaming_executor_state",
)


def _input_error(error: BaseException) -> InputError | None:
    """The InputError that a worker raised, if `error` is how Ray hands one on."""
    from ray.exceptions import RayError

    cause: object = error
    while isinstance(cause, BaseException):
        # Ray's own error is made an heir of the worker's, its text the whole traceback.
        if isinstance(cause, InputError) and not isinstance(cause, RayError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return None


@contextmanager
def input_errors() -> Iterator[None]:
    """Raises what a worker said of the user's input as the InputError that it was."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        said = _input_error(error)
        if said is None:
            raise
        first, *_ = str(said).splitlines()  # Ray adds advice on retries below it
        raise InputError(first) from None


def quiet_failures() -> None:
    """Keeps Ray Data from logging the traceback of a wrong input: the error itself is raised.

    Everything else that Ray logs passes, its warnings and the tracebacks of other failures too.
    For the caller and for the functions that it maps, which run in processes of their own.
    """
    for name in _FAILURE_LOGGERS:
        logging.getLogger(name).addFilter(_is_news)  # a filter that is there is not added again


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a record says something else than the line that a wrong input ends with."""
    if record.levelno != logging.ERROR:
        return True
    # The error is in the record, or it is the one being handled where the record is made.
    error = (record.exc_info or sys.exc_info())[1]
    return error is None or _input_error(error) is None


def items_dataset(items: list[dict[str, Any]]) -> Any:
    """A Ray Dataset with a block an item, whose errors are the workers' own.

    A worker's InputError arrives as itself, not wrapped without its cause, and nothing of Ray's
    plans and tracebacks is shown; `input_errors` unwraps it where the dataset is consumed.
    """
    import ray

    quiet_failures()
    dataset = ray.data.from_items(items, override_num_blocks=len(items))
    dataset.context.raise_original_map_exception = True
    dataset.context.target_max_block_size = BLOCK_BYTES
    # Ray sets this logger up when the first dataset is made; its plans are for its log file.
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    return dataset


def start_ray(
    cpus: int | None = None, address: str | None = None, *, worker_logs: bool = True
) -> dict[str, Any]:
    """Connects to the running cluster, or starts a small local one; safe to call twice.

    Inside a submitted job, or with `address` or RAY_ADDRESS given, it joins that cluster and
    leaves sizes alone. Otherwise it starts a local node with 512 MiB of object store, so that
    a demo fits a laptop.

    Args:
        cpus: logical CPUs of the local node; None takes the machine's.
        address: a cluster's address, or None.
        worker_logs: whether what workers print is shown here too.

    Returns:
        Ray's cluster resources, by name.

    Raises:
        InputError: the local node was not up within Ray's half minute.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray

    if not ray.is_initialized():
        joined = address or os.environ.get("RAY_ADDRESS")
        options: dict[str, Any] = {"log_to_driver": worker_logs, "logging_level": logging.WARNING}
        if joined:
            options["address"] = joined
        else:
            options |= {
                "address": "local",
                "num_cpus": cpus or os.cpu_count(),
                "object_store_memory": OBJECT_STORE_BYTES,
                # Ray Train asks the dashboard for its controller's state and warns every second
                # where there is none.
                "include_dashboard": True,
                "dashboard_host": "127.0.0.1",
            }
        context = _init(options)
        if not joined:  # a node that nobody joins again: what was installed on it goes with it
            session = Path(context.address_info["session_dir"])
            atexit.register(shutil.rmtree, session / "runtime_resources", ignore_errors=True)
    return dict(ray.cluster_resources())


def _init(options: dict[str, Any]) -> Any:
    import ray

    try:
        return ray.init(**options)
    except Exception as error:  # what Ray raises here has no class of its own
        if "timed out during startup" not in str(error):
            raise
        raise InputError(
            "Ray did not start within 30 seconds: the machine is too busy or short of memory; "
            "run the same command again when it is quieter (`thce doctor` shows the memory)"
        ) from None
