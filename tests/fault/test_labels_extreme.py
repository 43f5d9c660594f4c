"""Labels that are never, once or always true: the loss stays finite and the flag is dormant."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
import torch
from small_training import small_base

from thce.bundles.load import open_bundle
from thce.errors import InputError
from thce.files import read_jsonl
from thce.registry import export
from thce.registry.dataset import DatasetConfig, read_split
from thce.registry.dataset import run as build_dataset
from thce.registry.hydrated import list_column
from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN, Cells, Flag, Tier
from thce.registry.predict import Predictor
from thce.registry.train import TrainConfig, run, train_on_device
from thce.training.reporters import LocalReporter

NOTES = 60
NEVER, ONCE, ALWAYS, UNSEEN = Flag.BLVR, Flag.PLEURODESIS, Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.IPC


def build(folder: Path, label: Cells) -> str:
    """A dataset of made-up notes with these cells, all of them from people."""
    draw = np.random.default_rng(0)
    texts = [" ".join(f"word{draw.integers(500)}" for _ in range(40)) for _ in range(len(label))]
    known = label != UNKNOWN
    table = pa.table(
        {
            "encounter_id": [f"e{row:02}" for row in range(len(label))],
            "text": texts,
            "label": list_column(label, pa.int8()),
            "tier": list_column(np.where(known, Tier.HUMAN, Tier.NONE).astype(np.int8), pa.int8()),
            "confidence": list_column(known.astype(np.float32), pa.float32()),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, folder / "hydrated.parquet")
    output = str(folder / "dataset")
    build_dataset(DatasetConfig(hydrated=str(folder / "hydrated.parquet"), output=output))
    return output


@dataclass(frozen=True)
class Trained:
    losses: list[float]
    report: dict[str, object]
    bundle: str


def train_and_export(folder: Path, label: Cells) -> Trained:
    """Two epochs of a tiny encoder in this process, and its bundle."""
    dataset = build(folder, label)
    base = small_base(folder / "base", read_split(dataset, "train").texts)
    config = TrainConfig(
        dataset=dataset,
        output=str(folder / "trained"),
        model_name=base,
        head_tokens=64,
        tail_tokens=32,
        epochs=2,
        precision="fp32",
    )
    settings = config.model_dump(mode="json") | {"threads": 1, "run": "here"}
    reporter = LocalReporter(folder / "run")
    train_on_device(settings, reporter, torch.device("cpu"))
    with reporter.resume_folder() as checkpoint:
        assert checkpoint is not None
        product = checkpoint / "final"
        (product / "config.yaml").write_text(
            f"model_name: {base}\ninit_from: null\nhead_tokens: 64\ntail_tokens: 32\n"
        )
        losses = [row["train_loss"] for row in read_jsonl(product / "metrics.jsonl")]
        report = export.run(
            export.ExportConfig(
                model=str(product), dataset=dataset, output=str(folder / "bundle"), max_flip_rate=1
            )
        )
    return Trained(losses, report, str(folder / "bundle"))


def test_never_once_and_always_true_train_with_a_finite_loss_and_dormant_is_declared(
    tmp_path: Path,
) -> None:
    label = np.random.default_rng(1).choice(
        np.array([FALSE, TRUE], np.int8), p=[0.7, 0.3], size=(NOTES, N_FLAGS)
    )
    label[:, NEVER.position] = FALSE
    label[:, ONCE.position] = FALSE
    label[0, ONCE.position] = TRUE
    label[:, ALWAYS.position] = TRUE
    label[:, UNSEEN.position] = UNKNOWN
    trained = train_and_export(tmp_path, label)
    assert np.isfinite(trained.losses).all()
    assert {NEVER.value, UNSEEN.value} <= set(trained.report["dormant"])
    assert ALWAYS.value not in trained.report["dormant"]

    predictor = Predictor.open(trained.bundle)
    assert 0 <= predictor.thresholds.labels[ALWAYS].threshold <= 1
    assert predictor.thresholds.labels[NEVER].method == "dormant"
    card = open_bundle(trained.bundle).path("README.md").read_text(encoding="utf-8")
    row = next(line for line in card.splitlines() if NEVER.detail.title in line)
    assert "dormant" in row or "abstains" in row, row
    assert np.isfinite(predictor.predict(["word1 word2"])).all()


def test_not_one_true_label_anywhere_gives_a_model_that_abstains_on_every_flag(
    tmp_path: Path,
) -> None:
    trained = train_and_export(tmp_path, np.full((NOTES, N_FLAGS), FALSE, np.int8))
    assert np.isfinite(trained.losses).all()
    assert trained.report["dormant"] == [flag.value for flag in Flag]


def test_a_dataset_without_any_known_label_is_refused_before_training(tmp_path: Path) -> None:
    dataset = build(tmp_path, np.full((NOTES, N_FLAGS), UNKNOWN, np.int8))
    config = TrainConfig(dataset=dataset, output=str(tmp_path / "out"), model_name=str(tmp_path))
    with pytest.raises(InputError, match="no label of the train split is known"):
        run(config)
