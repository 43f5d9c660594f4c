"""SIGKILL while `thce registry train` runs: the same command ends with the same losses."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from user_commands import (
    REPOSITORY,
    begin,
    dataset_and_base,
    kill_when,
    losses,
    report_of,
    sigkill,
    thce,
    train_arguments,
    train_undisturbed,
    training_worker,
    validation,
    wait_until,
)

TOLERANCE = 1e-6
EPOCHS = 10


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
def setting(module_folder: Path, registry_data: Path) -> Setting:
    dataset, base = dataset_and_base(module_folder, registry_data)
    found = Setting(module_folder, dataset, base, module_folder / "undisturbed")
    train_undisturbed(dataset, base, found.undisturbed, epochs=EPOCHS)
    return found


def require_same(setting: Setting, name: str) -> None:
    """The losses of every epoch, and every validation probability, as if nothing had happened."""
    expected, found = losses(setting.undisturbed), losses(setting.folder / name)
    assert len(found) == EPOCHS
    assert found == pytest.approx(expected, abs=TOLERANCE)
    difference = np.abs(validation(setting.undisturbed) - validation(setting.folder / name))
    assert difference.max() <= TOLERANCE


@pytest.mark.soak
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


@pytest.mark.soak
@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("ddp2", {"scaling.workers": 2}),
        ("zero2", {"scaling.workers": 2, "strategy": "configs/deepspeed/zero2.json"}),
        ("zero3", {"scaling.workers": 2, "strategy": "configs/deepspeed/zero3.json"}),
    ],
)
def test_two_workers_killed_and_resumed_give_the_losses_of_two_undisturbed(
    setting: Setting, name: str, fields: dict[str, object]
) -> None:
    if "strategy" in fields:
        fields = fields | {"strategy": REPOSITORY / str(fields["strategy"])}
    whole, cut = f"{name}-whole", f"{name}-cut"
    report_of(thce(*setting.command(whole, **fields), home=setting.home))
    log = setting.folder / f"{name}.log"
    begun = setting.command(cut, **fields)
    kill_when(lambda: len(setting.checkpoints(cut)) > 1, *begun, home=setting.home, log=log)
    report_of(thce(*setting.command(cut, **fields), home=setting.home))
    expected, found = losses(setting.folder / whole), losses(setting.folder / cut)
    assert found == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.soak
def test_newest_checkpoint_truncated_so_the_one_before_is_used_and_the_file_named(
    setting: Setting,
) -> None:
    log = setting.folder / "truncated.log"
    begun = setting.command("truncated")
    kill_when(lambda: len(setting.checkpoints("truncated")) > 1, *begun, home=setting.home, log=log)
    newest = setting.checkpoints("truncated")[-1]
    content = (newest / "replica.pt").read_bytes()
    (newest / "replica.pt").write_bytes(content[: len(content) // 2])
    (newest.parent / "checkpoint_manager_snapshot.json").write_text('{"checkpoint_results": [')
    done = thce(*setting.command("truncated"), home=setting.home)
    report_of(done)
    assert f"{newest.name}/replica.pt: absent or not as it was written" in done.stderr
    require_same(setting, "truncated")


@pytest.mark.soak
def test_a_worker_killed_past_its_restarts_says_how_to_go_on_and_the_command_does(
    setting: Setting,
) -> None:
    fields = {"scaling.max_failures": 0}
    log = setting.folder / "restarts.log"
    process = begin(*setting.command("restarts", **fields), home=setting.home, log=log)
    wait_until(lambda: setting.checkpoints("restarts"), process, log)
    os.kill(wait_until(lambda: training_worker(process.pid), process, log), signal.SIGKILL)
    assert process.wait(timeout=240) == 2
    said = log.read_text(encoding="utf-8").splitlines()[-1]
    assert said.startswith("thce: training: a worker was killed")
    report_of(thce(*setting.command("restarts", **fields), home=setting.home))
    require_same(setting, "restarts")


@pytest.mark.soak
def test_two_commands_of_one_training_at_once_and_the_second_is_refused(setting: Setting) -> None:
    command = setting.command("twice", epochs=80)  # long enough to be found at work
    log = setting.folder / "twice.log"
    process = begin(*command, home=setting.home, log=log)
    wait_until(lambda: setting.checkpoints("twice"), process, log)
    second = thce(*command, home=setting.home)
    assert process.wait(timeout=240) == 0
    assert second.returncode == 2
    assert "another process is at work on this training" in second.stderr
    assert len(losses(setting.folder / "twice")) == 80
