"""Which training run a command means: named by what it depends on, and worked on by one at a time.

The name is made of the output, the configuration and the data, so that the same command finds the
run that was interrupted, and any other command does not.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from thce.errors import InputError
from thce.files import read_json
from thce.paths import is_remote

SNAPSHOT_FILE = "checkpoint_manager_snapshot.json"
"""Ray Train's list of a run's checkpoints."""

LOCK_FILE = ".lock"


def run_name(system: str, output: Path, depends_on: Mapping[str, Any]) -> str:
    """A name such as `registry-OUTPUT-0f3a52c1d9e8`.

    Args:
        system: whose training it is.
        output: where its product goes.
        depends_on: all that the product depends on, as JSON values.
    """
    content = json.dumps([str(output), dict(depends_on)], sort_keys=True)
    return f"{system}-{output.name}-{hashlib.sha256(content.encode()).hexdigest()[:12]}"


def finished_run(output: Path) -> str | None:
    """The name of the run whose product lies in an output folder, if one does."""
    report = output / "training.json"
    return read_json(report).get("run") if report.is_file() else None


@contextmanager
def claimed_run(storage: str, name: str, *, resume: bool) -> Iterator[None]:
    """Holds a run's folder for one process, ready to be resumed or begun.

    A list of checkpoints that was cut off while Ray wrote it would stop the run before it began;
    it is removed, and the checkpoints are found without it. On remote storage nothing is held.

    Args:
        storage: where Ray Train keeps runs.
        name: the run.
        resume: False removes what an interrupted run left.

    Raises:
        InputError: another process is at work on the run, the storage cannot be written, or a run
            on remote storage is to start over.
    """
    if is_remote(storage):
        if not resume:
            raise InputError(
                f"resume: runs on remote storage are not deleted; remove {storage}/{name}, "
                "or give another storage"
            )
        yield
        return
    folder = Path(storage) / name
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK_FILE, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder}: another process is at work on this training; wait for it, "
                "or give another output"
            ) from None
        for path in folder.iterdir() if not resume else ():
            if path.is_dir():
                shutil.rmtree(path)
        if not resume or not _is_whole(folder / SNAPSHOT_FILE):
            (folder / SNAPSHOT_FILE).unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def is_claimed(folder: Path) -> bool:
    """Whether a process is at work on a run; looking takes the lock for a moment, if nobody has."""
    with (folder / LOCK_FILE).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def forget_run(storage: str, name: str) -> None:
    """Deletes the checkpoints of a run whose product lies in its output; remote ones stay."""
    if not is_remote(storage):
        shutil.rmtree(Path(storage) / name, ignore_errors=True)


def _is_whole(snapshot: Path) -> bool:
    """Whether Ray will accept its list: it is JSON, and every checkpoint in it is there."""
    try:
        results = read_json(snapshot)["checkpoint_results"]
        names = [result["checkpoint_dir_name"] for result in results]
    except (InputError, KeyError, TypeError):
        return False
    return all((snapshot.parent / name).is_dir() for name in names)
