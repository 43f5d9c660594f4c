"""`thce` as its user runs it: real processes, a THCE_HOME of their own, a tiny encoder."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from small_training import small_base, write_dataset

from thce.config import load
from thce.files import read_jsonl
from thce.registry.dataset import read_split
from thce.registry.train import TrainConfig

THCE = [sys.executable, "-m", "thce.cli"]
REPOSITORY = Path(__file__).resolve().parent.parent


def environment(home: Path) -> dict[str, str]:
    """What a command sees: THCE_HOME, and this checkout's code."""
    return os.environ | {"THCE_HOME": str(home), "PYTHONPATH": str(REPOSITORY)}


def thce(*arguments: object, home: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end."""
    command = [*THCE, *(str(argument) for argument in arguments)]
    given = {"timeout": 300, "check": False, "stdin": subprocess.DEVNULL} | options
    return subprocess.run(command, capture_output=True, text=True, env=environment(home), **given)


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The JSON report of a command that ended well."""
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


def begin(*arguments: object, home: Path, log: Path) -> subprocess.Popen[bytes]:
    """Starts a command in a session of its own, its output in a file."""
    command = [*THCE, *(str(argument) for argument in arguments)]
    with log.open("wb") as handle:
        return subprocess.Popen(
            command,
            stdout=handle,
            stderr=handle,
            stdin=subprocess.DEVNULL,
            env=environment(home),
            start_new_session=True,
        )


def wait_until(holds: Callable[[], Any], process: subprocess.Popen[bytes], log: Path) -> Any:
    """What `holds` returns once that is true; fails when the process ends before."""
    deadline = time.monotonic() + 240
    while not (found := holds()):
        assert process.poll() is None, f"ended too early: {log.read_text()[-3000:]}"
        assert time.monotonic() < deadline, f"never came: {log.read_text()[-3000:]}"
        time.sleep(0.02)
    return found


def sigkill(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of the command itself; returns once its Ray, which notices, is gone too."""
    orphans = [child for child, _ in descendants(process.pid)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 120
    while any(map(is_running, orphans)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(is_running, orphans)), "Ray outlives the command that started it"


def kill_when(holds: Callable[[], Any], *arguments: object, home: Path, log: Path) -> None:
    """Starts a command and kills it with SIGKILL once `holds` is true."""
    process = begin(*arguments, home=home, log=log)
    wait_until(holds, process, log)
    sigkill(process)


def is_running(pid: int) -> bool:
    """Whether a process is there, and not only waits for its parent to notice its end."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def descendants(pid: int) -> list[tuple[int, str]]:
    """Process ids below one, with their titles."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
            title = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        found.append((int(folder.name), int(status[1]), title))
    below = {pid}
    while more := {child for child, parent, _ in found if parent in below} - below:
        below |= more
    return [(child, title) for child, _, title in found if child in below - {pid}]


def training_worker(pid: int) -> int | None:
    """The process of a training worker that a command has started, if it has by now."""
    for child, title in descendants(pid):
        if title.startswith("ray::") and "RayTrainWorker" in title:
            return child
    return None


def dataset_and_base(folder: Path, registry_data: Path) -> tuple[str, str]:
    """The shipped notes as a dataset, and an encoder for them."""
    dataset = write_dataset(folder, registry_data)
    return dataset, small_base(folder / "base", read_split(dataset, "train").texts)


SMALL_RECIPE = {
    "head_tokens": 64,
    "tail_tokens": 32,
    "epochs": 4,
    "batch_size": 32,
    "patience": 0,
    "precision": "fp32",
    "scaling.threads": 1,
}
"""A tiny encoder in fp32, with dropout as in real runs."""


def train_arguments(dataset: str, base: str, output: Path, **fields: Any) -> list[str]:
    """`thce registry train` with the small recipe."""
    values = SMALL_RECIPE | fields
    settings = [part for name, value in values.items() for part in ("-s", f"{name}={value}")]
    return [
        *("registry", "train", "--dataset", dataset, "--output", str(output)),
        *("--model-name", base, *settings, "--json"),
    ]


def train_config(dataset: str, base: str, output: Path, **fields: Any) -> TrainConfig:
    """What `train_arguments` configure."""
    given = {"dataset": dataset, "output": str(output), "model_name": base} | SMALL_RECIPE | fields
    return load(TrainConfig, None, [f"{name}={value}" for name, value in given.items()])


def train_undisturbed(dataset: str, base: str, output: Path, **fields: Any) -> None:
    """The same training in this process, without Ray: what nothing can interrupt."""
    import torch

    from thce.registry.train import train_on_device
    from thce.training.reporters import LocalReporter

    config = train_config(dataset, base, output, **fields)
    reporter = LocalReporter(output.with_name(f"{output.name}-run"))
    settings = config.model_dump(mode="json") | {"threads": 1, "run": "undisturbed"}
    train_on_device(settings, reporter, torch.device("cpu"))
    with reporter.resume_folder() as checkpoint:
        shutil.copytree(checkpoint / "final", output)


def losses(trained: Path) -> list[float]:
    """Training loss by epoch."""
    return [row["train_loss"] for row in read_jsonl(trained / "metrics.jsonl")]


def validation(trained: Path) -> np.ndarray:
    """Probabilities (n, 29) on the validation notes."""
    with np.load(trained / "validation.npz") as arrays:
        return arrays["probabilities"]
