"""Cross-validation at the smallest size: the real steps, a tiny encoder."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_training import shipped_notes, small_base

from thce.errors import InputError
from thce.files import read_jsonl, write_jsonl
from thce.registry.crossval import CrossvalConfig, run
from thce.registry.labels import N_FLAGS


@pytest.fixture(scope="module")
def home(module_folder: Path, registry_data: Path, ray_session: None) -> Path:
    """Two files of 24 notes and an encoder of two small layers."""
    texts = []
    for author in "ab":
        rows = shipped_notes(registry_data, author, 24)
        write_jsonl(module_folder / f"{author}.jsonl", rows)
        texts += [row["text"] for row in rows]
    small_base(module_folder / "base", texts)
    return module_folder


def _config(home: Path, name: str, **fields: Any) -> CrossvalConfig:
    return CrossvalConfig.model_validate(
        {
            "notes": [str(home / "a.jsonl"), str(home / "b.jsonl")],
            "output": str(home / name),
            "recipe": {
                "model_name": str(home / "base"),
                "head_tokens": 64,
                "tail_tokens": 32,
                "epochs": 1,
                "checkpoint_every": 0,
            },
        }
        | fields
    )


def test_every_file_is_tested_by_a_model_of_the_other_and_a_second_call_trains_nothing(
    home: Path,
) -> None:
    config = _config(home, "authors", by="file")
    report = run(config)
    assert [fold["test_notes"] for fold in report["folds"]] == [24, 24]
    assert [fold["name"] for fold in report["folds"]] == ["0-a", "1-b"]
    assert report["over_folds"] is None
    assert [one["name"] for one in report["systems"]] == ["joint", "model", "rules", "union"]
    for number, other in ((0, "b"), (1, "a")):
        splits = json.loads(
            (
                home / "authors" / "folds" / f"{number}-{'ab'[number]}" / "dataset" / "splits.json"
            ).read_text(encoding="utf-8")
        )["assignments"]
        taught = {name for name, split in splits.items() if split in ("train", "val")}
        assert taught <= {row["id"] for row in read_jsonl(home / f"{other}.jsonl")}
        assert len(taught) > 20
    table = pq.read_table(report["out_of_fold"])
    gold = {
        row["id"]: set(row["accept"]) for name in "ab" for row in read_jsonl(home / f"{name}.jsonl")
    }
    assert sorted(table["encounter_id"].to_pylist()) == sorted(gold)
    for row in table.to_pylist():
        assert len(row["probabilities"]) == len(row["joint_probabilities"]) == N_FLAGS
        assert sum(cell == 1 for cell in row["label"]) == len(gold[row["encounter_id"]])
    before = {path: path.stat().st_mtime_ns for path in (home / "authors" / "folds").rglob("*")}
    assert run(config) == report
    after = {path: path.stat().st_mtime_ns for path in (home / "authors" / "folds").rglob("*")}
    assert after == before
    with pytest.raises(InputError, match="another configuration began this run"):
        run(config.model_copy(update={"seed": 7}))


@pytest.mark.soak
def test_a_run_goes_on_with_the_same_notes_only_and_leaves_nothing_behind(home: Path) -> None:
    config = _config(home, "resumed", by="file")
    report = run(config)
    notes = home / "a.jsonl"
    before = notes.read_bytes()
    rows = read_jsonl(notes)
    write_jsonl(notes, [rows[0] | {"accept": []}, *rows[1:]])
    with pytest.raises(InputError, match="begun with another notes; give another output"):
        run(config)
    notes.write_bytes(before)
    record = home / "resumed" / "made_with.json"
    made_with = json.loads(record.read_text(encoding="utf-8"))
    for name in ("rules", "thce"):
        record.write_text(json.dumps(made_with | {name: "older"}), encoding="utf-8")
        with pytest.raises(InputError, match=f"begun with another {name};"):
            run(config)
    record.write_text(json.dumps(made_with), encoding="utf-8")
    fold = home / "resumed" / "folds" / "0-a"
    (fold / "training").mkdir()
    (fold / "test.parquet").touch()
    assert run(config) == report
    assert {path.name for path in fold.iterdir()} == {"dataset", "fold.parquet", "frozen.json"}


@pytest.mark.soak
def test_by_fold_every_note_is_tested_once(home: Path) -> None:
    report = run(_config(home, "folds", folds=2))
    table = pq.read_table(report["out_of_fold"])
    assert len(set(table["encounter_id"].to_pylist())) == len(table) == 48
    assert set(table["fold"].to_pylist()) == {"0-0", "0-1"}
    joint = report["over_folds"]["systems"]["joint"]["micro_f1"]
    each = [fold["systems"][0]["micro_f1"]["estimate"] for fold in report["folds"]]
    assert joint["estimate"] == pytest.approx(np.mean(each))
    assert joint["low"] < joint["estimate"] < joint["high"]


def test_notes_without_labels_are_refused(home: Path) -> None:
    rows = [
        {name: value for name, value in row.items() if name != "accept"}
        for row in read_jsonl(home / "a.jsonl")
    ]
    write_jsonl(home / "unlabelled.jsonl", rows)
    config = _config(home, "unlabelled", notes=[str(home / "unlabelled.jsonl")])
    with pytest.raises(InputError, match="no `accept`"):
        run(config)
    write_jsonl(home / "unlabelled.jsonl", read_jsonl(home / "a.jsonl")[:3])
    with pytest.raises(InputError, match="3 notes are too few"):
        run(config)  # mended notes are taken as long as no fold was begun
