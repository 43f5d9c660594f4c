"""Training gives the same losses however the work is spread: workers, ZeRO stages, resume."""

from pathlib import Path

import numpy as np
import pytest
from small_training import small_base, write_dataset

from thce.files import read_jsonl
from thce.registry.dataset import read_split
from thce.registry.train import TrainConfig, run
from thce.training.ray_train import Scaling

TOLERANCE = 2e-3
"""fp32 sums in another order, over three epochs."""


@pytest.fixture(scope="module")
def base(module_folder: Path, registry_data: Path, ray_session: None) -> dict[str, str]:
    """A dataset and an encoder of two layers."""
    dataset = write_dataset(module_folder, registry_data)
    model = small_base(module_folder / "base", read_split(dataset, "train").texts)
    return {"dataset": dataset, "model": model, "folder": str(module_folder)}


def _config(base: dict[str, str], name: str, strategy: str, workers: int) -> TrainConfig:
    return TrainConfig(
        dataset=base["dataset"],
        output=f"{base['folder']}/{name}",
        model_name=base["model"],
        head_tokens=64,
        tail_tokens=32,
        epochs=3,
        max_notes=90,
        batch_size=32,
        micro_batch_size=8,
        dropout=0.0,
        patience=0,
        precision="fp32",
        strategy=strategy,
        scaling=Scaling(workers=workers, threads=1, max_failures=0),
    )


def _losses(base: dict[str, str], name: str) -> list[float]:
    return [row["train_loss"] for row in read_jsonl(f"{base['folder']}/{name}/metrics.jsonl")]


def _validation(base: dict[str, str], name: str) -> np.ndarray:
    with np.load(f"{base['folder']}/{name}/validation.npz") as arrays:
        return arrays["probabilities"]


@pytest.fixture(scope="module")
def single(base: dict[str, str]) -> dict[str, str]:
    """The run on one worker that the others are held against."""
    run(_config(base, "single", "ddp", 1))
    losses = _losses(base, "single")
    assert losses[-1] < losses[0]
    return base


@pytest.mark.parametrize(
    ("name", "strategy", "workers"),
    [
        ("ddp2", "ddp", 2),
        pytest.param("zero1", "configs/deepspeed/zero1.json", 2, marks=pytest.mark.soak),
        ("zero3", "configs/deepspeed/zero3.json", 2),
        pytest.param("zero2", "configs/deepspeed/zero2.json", 2, marks=pytest.mark.soak),
        pytest.param("zero1-alone", "configs/deepspeed/zero1.json", 1, marks=pytest.mark.soak),
    ],
)
def test_losses_do_not_depend_on_the_workers(
    single: dict[str, str], repository: Path, name: str, strategy: str, workers: int
) -> None:
    path = strategy if strategy == "ddp" else str(repository / strategy)
    run(_config(single, name, path, workers))
    assert _losses(single, name) == pytest.approx(_losses(single, "single"), abs=TOLERANCE)
    difference = np.abs(_validation(single, name) - _validation(single, "single"))
    assert difference.max() < 5 * TOLERANCE
