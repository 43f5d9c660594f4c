"""DDP and ZeRO-1/2/3, one and two workers, two ways to accumulate: the same losses to 1e-4.

Through the command line, as a user would spread the same training differently.
"""

from pathlib import Path

import numpy as np
import pytest
from user_commands import (
    REPOSITORY,
    dataset_and_base,
    losses,
    report_of,
    thce,
    train_arguments,
    validation,
)

pytestmark = pytest.mark.soak

TOLERANCE = 1e-4
STRATEGIES = ("ddp", "zero1", "zero2", "zero3")


@pytest.fixture(scope="module")
def setting(module_folder: Path, registry_data: Path) -> dict:
    """A dataset, an encoder without dropout, and the losses of DDP on one worker."""
    dataset, base = dataset_and_base(module_folder, registry_data)
    found = {"folder": module_folder, "dataset": dataset, "base": base}
    return found | {"expected": train(found, "ddp", 1, 8)}


def train(setting: dict, strategy: str, workers: int, micro_batch: int) -> Path:
    """One training of global batch 8 through the command line; its output folder."""
    output = setting["folder"] / f"{strategy}-{workers}-{micro_batch}"
    path = strategy
    if strategy != "ddp":
        path = str(REPOSITORY / "configs" / "deepspeed" / f"{strategy}.json")
    fields = {
        "epochs": 2,
        "batch_size": 8,
        "micro_batch_size": micro_batch,
        "dropout": 0.0,
        "strategy": path,
        "scaling.workers": workers,
    }
    command = train_arguments(setting["dataset"], setting["base"], output, **fields)
    report_of(thce(*command, home=setting["folder"] / "home"))
    return output


@pytest.mark.parametrize("micro_batch", [8, 1], ids=["8x1", "1x8"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_losses_are_those_of_one_worker_and_one_batch(
    setting: dict, strategy: str, workers: int, micro_batch: int
) -> None:
    if (strategy, workers, micro_batch) == ("ddp", 1, 8):
        assert losses(setting["expected"])[-1] < losses(setting["expected"])[0]
        return
    output = train(setting, strategy, workers, micro_batch)
    found, expected = losses(output), losses(setting["expected"])
    print(strategy, workers, micro_batch, np.abs(np.subtract(found, expected)).max())
    assert found == pytest.approx(expected, abs=TOLERANCE)
    assert np.abs(validation(output) - validation(setting["expected"])).max() < 10 * TOLERANCE
