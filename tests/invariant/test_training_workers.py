"""Training gives the same losses however the work is spread: workers, ZeRO stages, no Ray."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from user_commands import (
    dataset_and_base,
    losses,
    train_config,
    train_undisturbed,
    validation,
)

from thce.registry.train import run

TOLERANCE = 2e-3
"""fp32 sums in another order, over three epochs."""

FIELDS = {
    "epochs": 3,
    "max_notes": 90,
    "micro_batch_size": 8,
    "dropout": 0.0,
    "scaling.max_failures": 0,
}


@dataclass(frozen=True)
class Setting:
    """A dataset, an encoder, and the training on one device without Ray."""

    folder: Path
    dataset: str
    base: str

    @property
    def single(self) -> Path:
        return self.folder / "single"


@pytest.fixture(scope="module")
def setting(module_folder: Path, registry_data: Path, ray_session: None) -> Setting:
    found = Setting(module_folder, *dataset_and_base(module_folder, registry_data))
    train_undisturbed(found.dataset, found.base, found.single, **FIELDS)
    assert losses(found.single)[-1] < losses(found.single)[0]
    return found


@pytest.mark.parametrize(
    ("name", "strategy", "workers"),
    [
        pytest.param("ddp1", "ddp", 1, marks=pytest.mark.soak),
        ("ddp2", "ddp", 2),
        pytest.param("zero1", "configs/deepspeed/zero1.json", 2, marks=pytest.mark.soak),
        ("zero3", "configs/deepspeed/zero3.json", 2),
        pytest.param("zero2", "configs/deepspeed/zero2.json", 2, marks=pytest.mark.soak),
        pytest.param("zero1-alone", "configs/deepspeed/zero1.json", 1, marks=pytest.mark.soak),
    ],
)
def test_losses_do_not_depend_on_the_workers(
    setting: Setting, repository: Path, name: str, strategy: str, workers: int
) -> None:
    path = strategy if strategy == "ddp" else str(repository / strategy)
    output = setting.folder / name
    spread = {"strategy": path, "scaling.workers": workers}
    run(train_config(setting.dataset, setting.base, output, **FIELDS, **spread))
    assert losses(output) == pytest.approx(losses(setting.single), abs=TOLERANCE)
    difference = np.abs(validation(output) - validation(setting.single))
    assert difference.max() < 5 * TOLERANCE
