import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hydrated_rows import human_table, hydrated_table, write_parquet

from thce.annotations.labels_csv import write_labels
from thce.config import load
from thce.errors import Finding, InputError
from thce.files import read_json, read_jsonl
from thce.registry import dataset
from thce.registry.dataset import DatasetConfig, read_fingerprint, read_split, run
from thce.registry.labels import FALSE, FLAG_NAMES, N_FLAGS, TRUE, UNKNOWN, Flag, Tier
from thce.registry.leaks import SplitRows, find_leaks
from thce.registry.splits import SPLITS, assign
from thce.registry.train_inputs import require_labels

WORDS = ["scope", "cords", "carina", "lobe", "node", "lavage", "forceps", "valve", "pleura"]


def pool(n=60, seed=0):
    """Distinct notes with one flag each and some unknown cells."""
    draw = np.random.default_rng(seed)
    ids = [f"e{row:03}" for row in range(n)]
    texts = [
        f"case {name}: " + " ".join(f"{draw.choice(WORDS)}{draw.integers(1e6)}" for _ in range(12))
        for name in ids
    ]
    label = np.full((n, N_FLAGS), FALSE, dtype=np.int8)
    label[np.arange(n), np.arange(n) % 5] = TRUE
    label[:, N_FLAGS - 1] = UNKNOWN
    return ids, texts, label


@pytest.fixture
def inputs(tmp_path):
    ids, texts, label = pool()
    write_parquet(hydrated_table(ids, texts, label), tmp_path / "hydrated", shards=3)
    human = human_table({"e000": [Flag.FIBRINOLYTIC_THERAPY], "e001": [], "nowhere": [Flag.BAL]})
    write_labels(human, tmp_path / "human.csv")
    return tmp_path


def config(folder, **changes):
    values = {
        "hydrated": str(folder / "hydrated"),
        "human": str(folder / "human.csv"),
        "output": str(folder / "dataset"),
    }
    return DatasetConfig(**(values | changes))


def test_every_note_is_in_one_split_and_training_reads_back_what_was_merged(inputs):
    report = run(config(inputs))
    splits = {name: read_split(inputs / "dataset", name) for name in SPLITS}
    assert report["notes"] == {name: len(split.texts) for name, split in splits.items()}
    rows = {
        name: (split, row)
        for split in splits.values()
        for row, name in enumerate(split.encounter_ids)
    }
    assert len(rows) == 60
    split, row = rows["e000"]
    assert split.label[row, Flag.FIBRINOLYTIC_THERAPY.position] == TRUE
    assert (split.tier[row] == Tier.HUMAN).all()
    assert (split.confidence[row] == 1).all()
    split, row = rows["e001"]
    assert (split.label[row] == FALSE).all(), "the true negative is kept"
    split, row = rows["e002"]
    assert split.label[row, 2] == TRUE
    assert split.tier[row, 2] == Tier.KEYWORD
    assert split.confidence[row, 2] == pytest.approx(0.6)
    assert split.label[row, -1] == UNKNOWN
    assert split.tier[row, -1] == Tier.NONE
    assert split.confidence[row, -1] == 0


def test_csv_holds_29_columns_with_unknown_left_empty(inputs):
    run(config(inputs))
    found = {}
    for split in SPLITS:
        with open(inputs / "dataset" / f"registry_{split}.csv", newline="") as handle:
            reader = csv.DictReader(handle)
            found |= {row["encounter_id"]: row for row in reader}
            assert [name for name in reader.fieldnames if name in FLAG_NAMES] == list(FLAG_NAMES)
    row = found["e002"]
    assert [row[name] for name in FLAG_NAMES[:3]] == ["0", "0", "1"]
    assert row[FLAG_NAMES[-1]] == ""
    sources, confidences = row["label_source"].split("|"), row["label_confidence"].split("|")
    assert len(sources) == len(confidences) == N_FLAGS
    assert (sources[2], confidences[2], sources[-1]) == ("keyword", "0.6", "none")
    assert set(found["e001"]["label_source"].split("|")) == {"human"}


def test_parquet_has_the_documented_columns(inputs):
    run(config(inputs))
    table = pq.read_table(inputs / "dataset" / "registry_train.parquet")
    assert table.column_names == [
        "encounter_id",
        "note_text",
        "group",
        *FLAG_NAMES,
        "label_source",
        "label_confidence",
    ]
    assert str(table.schema.field(FLAG_NAMES[0]).type) == "int8"


def test_report_has_support_sources_and_warnings(inputs):
    report = run(config(inputs))
    json.dumps(report)
    totals = {"true": 0, "false": 0, "unknown": 0}
    for split in SPLITS:
        for count, value in report["support"][split][Flag.FIBRINOLYTIC_THERAPY].items():
            totals[count] += value
    assert totals == {"true": 1, "false": 1, "unknown": 58}
    assert report["human"] == {
        "notes": 2,
        "cells": 58,
        "overruled_cells": 2,
        "without_a_note": {"count": 1, "encounter_ids": ["nowhere"]},
    }
    human = sum(sum(report["labels_by_tier"][split]["human"].values()) for split in SPLITS)
    assert human == 58
    warnings = " ".join(report["warnings"])
    assert "1 human rows have no note" in warnings
    assert "test has no positive for" in warnings and Flag.IPC in warnings


def tables_of(folder):
    names = [f"registry_{split}.{suffix}" for split in SPLITS for suffix in ("csv", "parquet")]
    return {name: (folder / name).read_bytes() for name in [*names, "splits.json"]}


def test_same_notes_in_other_shards_and_order_give_the_same_bytes(inputs):
    first = run(config(inputs))
    ids, texts, label = pool()
    order = np.random.default_rng(7).permutation(len(ids))
    shuffled = hydrated_table([ids[i] for i in order], [texts[i] for i in order], label[order])
    write_parquet(shuffled, inputs / "again", shards=5)
    human = human_table({"nowhere": [Flag.BAL], "e001": [], "e000": [Flag.FIBRINOLYTIC_THERAPY]})
    write_labels(human, inputs / "human2.csv")
    changes = {"hydrated": str(inputs / "again"), "human": str(inputs / "human2.csv")}
    second = run(config(inputs, output=str(inputs / "dataset2"), **changes))
    assert second["fingerprint"] == first["fingerprint"]
    assert tables_of(inputs / "dataset2") == tables_of(inputs / "dataset")


def test_fingerprint_changes_with_one_label_one_text_or_the_split(inputs):
    first = run(config(inputs))["fingerprint"]
    assert read_fingerprint(inputs / "dataset") == first
    assert run(config(inputs, human=None))["fingerprint"] != first
    assert run(config(inputs, seed=7))["fingerprint"] != first
    ids, texts, label = pool()
    write_parquet(hydrated_table(ids, [*texts[:-1], "changed"], label), inputs / "other")
    assert run(config(inputs, hydrated=str(inputs / "other")))["fingerprint"] != first


def test_near_duplicates_stay_together(inputs):
    ids, texts, label = pool(40)
    twins = [f"{texts[row]} addendum" for row in range(10)]
    table = hydrated_table(
        [*ids, *(f"t{row}" for row in range(10))], [*texts, *twins], np.vstack([label, label[:10]])
    )
    write_parquet(table, inputs / "twins")
    run(config(inputs, hydrated=str(inputs / "twins"), human=None))
    content = read_json(inputs / "dataset" / "splits.json")
    where, group = content["assignments"], content["groups"]
    for row in range(10):
        assert group[f"t{row}"] == group[ids[row]] == ids[row]
        assert where[f"t{row}"] == where[ids[row]]


def test_frozen_test_notes_stay_while_notes_are_added(inputs):
    run(config(inputs))
    before = read_json(inputs / "dataset" / "splits.json")["assignments"]
    ids, texts, label = pool(90)
    write_parquet(hydrated_table(ids, texts, label), inputs / "more")
    frozen = str(inputs / "dataset" / "splits.json")
    report = run(
        config(
            inputs,
            hydrated=str(inputs / "more"),
            frozen=frozen,
            output=str(inputs / "dataset2"),
        )
    )
    after = read_json(inputs / "dataset2" / "splits.json")["assignments"]
    assert {name: after[name] for name in before} == before
    assert sum(report["notes"].values()) == 90


def test_dataset_can_be_built_again_in_place_with_its_own_splits_frozen(inputs):
    run(config(inputs, human=None))
    before = read_json(inputs / "dataset" / "splits.json")["assignments"]
    run(config(inputs, frozen=str(inputs / "dataset" / "splits.json")))
    assert read_json(inputs / "dataset" / "splits.json")["assignments"] == before


def test_note_that_bridges_frozen_splits_is_left_out_and_reported(inputs):
    ids, texts, label = pool(2)
    halves = [f"{texts[0]}", f"{texts[0]} {texts[1]}"]
    write_parquet(hydrated_table(ids, halves, label), inputs / "two")
    frozen = inputs / "splits.json"
    frozen.write_text(json.dumps({"assignments": {ids[0]: "train", ids[1]: "test"}}))
    bridge = f"{texts[0]} {' '.join(texts[1].split()[:7])}"
    table = hydrated_table([*ids, "bridge"], [*halves, bridge], np.vstack([label, label[:1]]))
    write_parquet(table, inputs / "three")
    report = run(
        config(
            inputs,
            hydrated=str(inputs / "three"),
            frozen=str(frozen),
            human=None,
            near_duplicate_threshold=0.5,
        )
    )
    assert report["notes"]["test"] == 1
    assert report["excluded"]["encounter_ids"] == ["bridge", ids[0]]
    assert any("left out" in warning for warning in report["warnings"])


def test_a_leak_fails_the_run_and_writes_nothing(inputs, monkeypatch):
    ids, texts, label = pool()
    texts[30] = texts[0]
    write_parquet(hydrated_table(ids, texts, label), inputs / "copies")

    def blind_to_groups(encounter_ids, labels, groups, *rest):
        return dict(zip(encounter_ids, ["train", *["test"] * 59], strict=True))

    monkeypatch.setattr(dataset, "assign", blind_to_groups)
    with pytest.raises(Finding, match=r"same prepared text in two splits: 1 \(e000, e030\)"):
        run(config(inputs, hydrated=str(inputs / "copies"), human=None))
    assert not (inputs / "dataset").exists()


def test_empty_splits_are_named(inputs):
    ids, texts, label = pool(2)
    write_parquet(hydrated_table(ids, texts, label), inputs / "few")
    report = run(config(inputs, hydrated=str(inputs / "few"), human=None))
    assert any("test split is empty" in warning for warning in report["warnings"])
    assert read_split(inputs / "dataset", "test").label.shape == (0, N_FLAGS)


def test_dataset_on_object_storage_is_read_back(inputs):
    run(config(inputs, output="memory://bucket/dataset"))
    run(config(inputs))
    there, here = (
        read_split("memory://bucket/dataset", "val"),
        read_split(inputs / "dataset", "val"),
    )
    assert there.encounter_ids == here.encounter_ids
    assert (there.label == here.label).all()


def test_one_parquet_file_does_as_well_as_a_folder(inputs):
    one = str(inputs / "hydrated" / "part-000.parquet")
    assert sum(run(config(inputs, hydrated=one))["notes"].values()) == 20


def test_misspelt_field_is_refused():
    with pytest.raises(InputError, match="near_duplicates"):
        load(DatasetConfig, overrides=["hydrated=a", "output=b", "near_duplicates=0.5"])


@pytest.mark.parametrize("column", ["label", "text", "encounter_id"])
def test_hydrated_table_without_a_column_is_refused(inputs, column):
    ids, texts, label = pool()
    table = hydrated_table(ids, texts, label).drop_columns([column])
    write_parquet(table, inputs / "short")
    with pytest.raises(InputError, match=f"columns missing: {column}"):
        run(config(inputs, hydrated=str(inputs / "short")))


def test_two_rows_of_one_encounter_are_refused_by_id(inputs):
    ids, texts, label = pool()
    write_parquet(hydrated_table([ids[1], *ids[1:]], texts, label), inputs / "double")
    with pytest.raises(InputError, match=r"more than one row \(e001\)"):
        run(config(inputs, hydrated=str(inputs / "double")))


def test_shipped_notes_split_without_a_leak(registry_data: Path):
    """The real corpora: every flag with three positives or more reaches all three splits."""
    rows = [
        row
        for path in sorted(registry_data.glob("registry_notes_*.jsonl"))
        for row in read_jsonl(path)
    ]
    ids = [row["id"] for row in rows]
    label = np.array(
        [[name in row["accept"] for name in FLAG_NAMES] for row in rows], dtype=np.int8
    )
    from thce.notes.near_duplicates import groups

    texts = [row["text"] for row in rows]
    grouped = groups(texts, 0.8)
    found = assign(ids, label, grouped)
    splits = [found[name] for name in ids]
    assert find_leaks(SplitRows(ids, texts, grouped.tolist(), splits)) == []
    for split in SPLITS:
        positives = label[np.array(splits) == split].sum(axis=0)
        assert (positives[label.sum(axis=0) >= 6] > 0).all()


def test_an_edited_csv_is_refused_before_training_although_labels_are_read_from_parquet(inputs):
    run(config(inputs))
    folder = str(inputs / "dataset")
    require_labels(folder)
    with open(inputs / "dataset" / "registry_val.csv", "a", encoding="utf-8") as handle:
        handle.write("x")
    with pytest.raises(InputError, match=r"registry_val\.csv: not what the dataset step wrote"):
        require_labels(folder)
    (inputs / "dataset" / "registry_val.csv").unlink()
    require_labels(folder)
