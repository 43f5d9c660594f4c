"""SIGKILL at random moments of answering, importing, exporting and merging."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from user_commands import REPOSITORY

TESTS = REPOSITORY / "tests"


def trial(folder: Path, *numbers: int) -> dict[str, Any]:
    """`killed_steps.py` in a process of its own: it forks, and this one has threads."""
    given = [str(number) for number in numbers]
    done = subprocess.run(
        [sys.executable, str(TESTS / "killed_steps.py"), str(folder), *given],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}{os.pathsep}{TESTS}"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("kills", "answerers"), [(60, 4), pytest.param(1000, 40, marks=pytest.mark.soak)]
)
def test_kills_lose_no_answer_and_double_none_and_the_merged_dataset_is_the_same(
    tmp_path: Path, kills: int, answerers: int
) -> None:
    folder = tmp_path / "trial"
    undisturbed = trial(folder, 0, answerers, 1)
    assert len(undisturbed["files"]) == 9
    folder.rename(tmp_path / "undisturbed")  # dataset.json names where it lies
    killed = trial(folder, kills, answerers, 2)
    print(killed["at_work"])
    assert sum(killed["at_work"].values()) == kills
    assert min(killed["at_work"].values()) >= kills // 30, killed["at_work"]
    assert killed["files"] == undisturbed["files"]
    assert killed["litter"] == []
