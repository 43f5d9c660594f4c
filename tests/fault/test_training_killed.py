"""SIGKILL while `thce registry train` runs: the same command ends with the same losses."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from user_commands import (
    begin,
    dataset_and_base,
    losses,
    report_of,
    sigkill,
    thce,
    train_arguments,
    training_worker,
    validation,
    wait_until,
)

TOLERANCE = 1e-6
EPOCHS = 6


@dataclass(frozen=True)
class Setting:
    """What all runs of this file share, and the output of one that nobody disturbed."""

    folder: Path
    dataset: str
    base: str
    undisturbed: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def command(self, name: str, **fields: object) -> list[str]:
        """The command of one training, by the name of its output."""
        output = self.folder / name
        return train_arguments(self.dataset, self.base, output, **({"epochs": EPOCHS} | fields))

    def checkpoints(self, name: str) -> list[Path]:
        """The whole checkpoints of a training, oldest first."""
        runs = self.home / "ray_train"
        return sorted(path.parent for path in runs.glob(f"registry-{name}-*/*/sealed-0.json"))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory, registry_data: Path) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("killed")
    dataset, base = dataset_and_base(folder, registry_data)
    found = Setting(folder, dataset, base, folder / "undisturbed")
    report_of(thce(*found.command("undisturbed"), home=found.home))
    yield found


def require_same(setting: Setting, name: str) -> None:
    """The losses of every epoch, and every validation probability, as if nothing had happened."""
    expected, found = losses(setting.undisturbed), losses(setting.folder / name)
    assert len(found) == EPOCHS
    assert found == pytest.approx(expected, abs=TOLERANCE)
    difference = np.abs(validation(setting.undisturbed) - validation(setting.folder / name))
    assert difference.max() <= TOLERANCE


def test_killed_worker_resumes_by_itself_and_a_killed_driver_by_the_same_command(
    setting: Setting,
) -> None:
    log = setting.folder / "log"
    process = begin(*setting.command("cut"), home=setting.home, log=log)
    wait_until(lambda: setting.checkpoints("cut"), process, log)
    worker = wait_until(lambda: training_worker(process.pid), process, log)
    os.kill(worker, signal.SIGKILL)
    # Ray Train starts another worker, which goes on: more epochs, none of them again.
    wait_until(lambda: training_worker(process.pid) not in (None, worker), process, log)
    known = setting.checkpoints("cut")
    wait_until(lambda: set(setting.checkpoints("cut")) - set(known), process, log)
    sigkill(process)
    assert not (setting.folder / "cut").exists(), "no half output"

    report = report_of(thce(*setting.command("cut"), home=setting.home))
    assert report["epochs"] == EPOCHS
    require_same(setting, "cut")
    assert not setting.checkpoints("cut"), "nothing of the run is left under THCE_HOME"
    written = (setting.folder / "cut" / "training.json").stat().st_mtime_ns
    report_of(thce(*setting.command("cut"), home=setting.home))
    assert (setting.folder / "cut" / "training.json").stat().st_mtime_ns == written, "trained twice"
