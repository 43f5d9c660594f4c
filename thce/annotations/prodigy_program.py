"""Running Prodigy where it is installed, and saying what to do where it is not."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from thce.errors import InputError
from thce.files import read_jsonl


def annotate(dataset: str, batch_file: str | Path) -> NoReturn:
    """Becomes `prodigy mark DATASET BATCH --view-id choice`, which serves the annotation page.

    Raises:
        InputError: Prodigy is not installed, or the file holds no tasks.
    """
    if not Path(batch_file).is_file():
        raise InputError(
            f"{batch_file}: no batch there; write one first, with `make registry-prodigy-prepare` "
            "or `thce registry sample --output FILE`"
        )
    if not read_jsonl(batch_file):
        raise InputError(f"{batch_file}: holds no tasks; prepare a batch first")
    program = find_prodigy()
    command = [program, "mark", dataset, str(batch_file), "--view-id", "choice"]
    os.execv(program, command)


@contextmanager
def db_out(dataset: str, folder: Path) -> Iterator[Path]:
    """A temporary file with `prodigy db-out DATASET`, gone when the block ends.

    Args:
        dataset: the Prodigy dataset.
        folder: where the file is made: it holds notes, so beside the store.

    Raises:
        InputError: Prodigy is not installed, or it failed.
    """
    program = find_prodigy()
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".db-out-") as temporary:
        path = Path(temporary) / "answers.jsonl"
        with open(path, "wb") as handle:
            status = subprocess.run([program, "db-out", dataset], stdout=handle).returncode
        if status:
            raise InputError(
                f"prodigy db-out {dataset} failed with exit status {status}; "
                "`prodigy stats -l` lists the datasets"
            )
        yield path


def find_prodigy() -> str:
    """The path of the Prodigy command, first beside this Python, then on the PATH.

    Raises:
        InputError: there is none; the message says how to go on with and without it.
    """
    beside = Path(sys.executable).parent
    found = shutil.which("prodigy", path=os.pathsep.join([str(beside), os.environ.get("PATH", "")]))
    if found is None:
        raise InputError(
            f"Prodigy is not installed: with a licence, install it into {beside.parent}; without "
            "one, answer the batch file in any tool that adds `answer` and the ticked `accept` to "
            "each line, then `thce annotations import --input FILE`"
        )
    return found
