"""`thce ner` as a user drives it: trained on Ray, exported, scored, by folds."""

import json
from pathlib import Path

import pytest
import yaml
from small_ner import CORPUS, recipe, small_base

from thce.errors import Finding, InputError
from thce.files import read_json, read_jsonl
from thce.ner.crossval import CrossvalConfig
from thce.ner.crossval import run as crossval
from thce.ner.recipe import Recipe, TrainConfig
from thce.ner.train import run as train


@pytest.fixture(scope="module")
def base(module_folder: Path) -> str:
    return small_base(module_folder / "base")


def test_a_training_is_whole_and_not_repeated(
    ray_session: None, module_folder: Path, base: str
) -> None:
    output = module_folder / "trained"
    config = TrainConfig(
        input=str(CORPUS), output=str(output), model_name=base, **recipe(epochs=3, patience=1)
    )
    report = train(config)
    assert report["documents"] == {"train": 20, "val": 2, "test": 2}
    metrics = read_jsonl(output / "metrics.jsonl")
    assert metrics[-1]["train_loss"] < metrics[0]["train_loss"]
    assert len(metrics) == report["epochs"] <= 3
    assert report["val_f1"] == pytest.approx(max(row["val_f1"] for row in metrics), abs=1e-6)
    tags = read_json(output / "tags.json")
    assert tags["tag2id"]["O"] == 0
    assert yaml.safe_load((output / "config.yaml").read_text())["input"] == [str(CORPUS)]
    assert set(read_json(output / "splits.json")["assignment"].values()) == {"train", "val", "test"}
    before = (output / "model" / "model.safetensors").stat().st_mtime_ns
    assert train(config)["run"] == report["run"]
    assert (output / "model" / "model.safetensors").stat().st_mtime_ns == before


def test_what_is_wrong_is_said_before_anything_starts(module_folder: Path, base: str) -> None:
    def given(**options: object) -> TrainConfig:
        values = {"input": str(CORPUS), "output": str(module_folder / "none"), "model_name": base}
        return TrainConfig(**(values | recipe() | options))  # type: ignore[arg-type]

    with pytest.raises(InputError, match="no such folder"):
        train(given(input=str(module_folder / "absent")))
    with pytest.raises(InputError, match=r"model_name: .*: no such folder"):
        train(given(model_name="./absent"))
    with pytest.raises(InputError, match="no mention is left"):
        train(given(types={"rare": "drop", "rare_below": 10_000}))
    splits = module_folder / "leaky.json"
    twice = module_folder / "twice"
    twice.mkdir()
    for path in CORPUS.glob("case-0[1-4].*"):
        for name in (path.name, f"again-{path.name}"):
            (twice / name).write_bytes(path.read_bytes())
    dealt = {
        path.stem: "train" if path.stem.startswith("again") else "test"
        for path in twice.glob("*.txt")
    }
    splits.write_text(json.dumps({"assignment": dealt | {"case-01": "val"}}))
    with pytest.raises(Finding, match="leak between splits"):
        train(given(input=str(twice), split={"file": str(splits)}))
    assert not (module_folder / "none").exists()


@pytest.mark.soak
def test_every_document_is_judged_once_and_a_second_call_goes_on(
    ray_session: None, module_folder: Path, base: str
) -> None:
    config = CrossvalConfig(
        input=str(CORPUS),
        output=str(module_folder / "folds"),
        folds=2,
        recipe=Recipe(model_name=base, **recipe(epochs=1)),
    )
    report = crossval(config)
    assert report["documents"] == 24
    assert len(report["folds"]) == 2
    assert report["strict"]["micro_f1"]["low"] <= report["strict"]["micro_f1"]["estimate"]
    tested = [
        {name for name, split in read_json(path)["assignment"].items() if split == "test"}
        for path in sorted(module_folder.glob("folds/fold-*/training/splits.json"))
    ]
    assert len(tested[0] | tested[1]) == 24
    assert not tested[0] & tested[1]
    again = crossval(config)
    assert again == report
    with pytest.raises(InputError, match="another configuration began this run"):
        crossval(config.model_copy(update={"folds": 3}))
