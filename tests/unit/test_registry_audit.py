"""The label audit: what it asks again, of whom, and what becomes of the answers."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask
from thce.errors import InputError
from thce.files import read_jsonl
from thce.registry.audit import AuditConfig, run
from thce.registry.cli import app
from thce.registry.hydrated import list_column
from thce.registry.labels import N_FLAGS, Flag

NOTES = 40
BAL, IPC = Flag.BAL.position, Flag.IPC.position


@pytest.fixture
def crossval(tmp_path: Path) -> Path:
    """What crossval leaves: e03 lacks a BAL that the models see, e05 has a catheter they do not."""
    rng = np.random.default_rng(0)
    label = np.zeros((NOTES, N_FLAGS), np.int8)
    label[::2, BAL] = label[::4, IPC] = 1
    probability = np.where(label == 1, 0.9, 0.05) + rng.uniform(-0.04, 0.04, label.shape)
    probability[3, BAL], probability[5, IPC], probability[3, IPC] = 0.95, 0.02, 0.85
    label[5, IPC] = 1
    ids = [f"e{row:02}" for row in range(NOTES)]
    repeated = {
        "encounter_id": ids * 2,
        "repeat": [0] * NOTES + [1] * NOTES,
        "fold": ["0-0"] * NOTES + ["1-0"] * NOTES,
        "label": list_column(np.tile(label, (2, 1)), pa.int8()),
        "probabilities": list_column(np.full((2 * NOTES, N_FLAGS), 0.5, np.float32), pa.float32()),
        "joint_probabilities": list_column(
            np.concatenate([probability + 0.01, probability - 0.01]).astype(np.float32),
            pa.float32(),
        ),
    }
    pq.write_table(pa.table(repeated), tmp_path / "out_of_fold.parquet")
    (tmp_path / "hydrated").mkdir()
    notes = pa.table({"encounter_id": ids, "text": [f"note {name}" for name in ids]})
    pq.write_table(notes, tmp_path / "hydrated" / "part-00000.parquet")
    return tmp_path


def config(crossval: Path, **fields: object) -> AuditConfig:
    given = {"crossval": str(crossval), "store": str(crossval / "store.sqlite")}
    return AuditConfig.model_validate(given | fields)


def test_suspects_are_asked_again_blind_and_about_nothing_else(crossval: Path) -> None:
    report = run(config(crossval))
    accused = {(one["encounter_id"], one["flag"], one["given"]) for one in report["suspects"]}
    assert accused == {("e03", "bal", False), ("e03", "ipc", False), ("e05", "ipc", True)}
    assert report["flags"]["bal"]["given_false_likely_true"] == 1
    first = report["suspects"][0]
    assert (first["encounter_id"], first["flag"], first["given"]) == ("e03", "bal", False)
    assert first["probability"] == pytest.approx(0.95)
    with AnnotationStore.open(report["store"]) as store:
        tasks = {task.encounter_id: task for task in store.tasks(report["batch"])}
    assert set(tasks) == {"e03", "e05"}
    assert tasks["e03"].options == (Flag.BAL, Flag.IPC)
    assert (tasks["e05"].options, tasks["e05"].prefill) == ((Flag.IPC,), (Flag.IPC,))
    for task in tasks.values():
        assert task.blind
        assert task.ticked == ()
        assert task.meta["strategy"] == "label_audit"
        assert task.text == f"note {task.encounter_id}"
    assert run(config(crossval))["batch"] == report["batch"]


def test_an_answered_note_is_reviewed_and_the_second_look_counts(crossval: Path) -> None:
    with AnnotationStore.open(crossval / "store.sqlite", create=True) as store:
        store.prepare("first", [NewTask("e05", "note e05"), NewTask("e03", "note e03")])
        for task in store.tasks("first"):
            store.answer(task.task_id, "ann", [Flag.IPC] if task.encounter_id == "e05" else [])
    report = run(config(crossval))
    with AnnotationStore.open(report["store"]) as store:
        asked = {task.encounter_id: task for task in store.lease("ann", 5, 60.0)}
        assert set(asked) == {"e03", "e05"}
        store.answer(asked["e05"].task_id, "ann", [])
        store.answer(asked["e03"].task_id, "bob", [Flag.BAL])
        labels = {row["encounter_id"]: row for row in store.human_labels().table.to_pylist()}
        assert labels["e05"]["ipc"] == 0, "the same annotator's second look replaces the first"
        assert labels["e05"]["bal"] == 0, "flags that were not asked again stay"
        (conflict,) = store.conflicts()
    assert (conflict.encounter_id, conflict.flag, conflict.votes) == (
        "e03",
        Flag.BAL,
        {"ann": False, "bob": True},
    )


def test_notes_in_other_hands_and_deleted_ones_are_passed_over(crossval: Path) -> None:
    with AnnotationStore.open(crossval / "store.sqlite", create=True) as store:
        store.prepare("first", [NewTask("e05", "note e05"), NewTask("e03", "note e03")])
        store.lease("ann", 1, 600.0)
        store.delete_note("e03")
    output = crossval / "batch.jsonl"
    report = run(config(crossval, batch="review", output=str(output)))
    assert (report["batch"], report["tasks"], len(report["suspects"])) == (None, 0, 3)
    assert not output.exists()
    with AnnotationStore.open(crossval / "store.sqlite") as store:
        assert [one.batch for one in store.batches()] == ["first"], "no empty batch is opened"


def test_an_answered_note_in_somebodys_hands_is_passed_over(crossval: Path) -> None:
    path = crossval / "store.sqlite"
    with AnnotationStore.open(path, create=True) as store:
        store.prepare("first", [NewTask("e05", "note e05"), NewTask("e03", "note e03")], overlap=2)
        for task in store.tasks("first"):
            store.answer(task.task_id, "ann", [])
        (on_screen,) = store.lease("bob", 1, 600.0)
    assert on_screen.encounter_id == "e05"
    output = crossval / "batch.jsonl"
    first = run(config(crossval, output=str(output)))
    assert [row["meta"]["encounter_id"] for row in read_jsonl(output)] == ["e03"]
    written = output.read_bytes()
    again = run(config(crossval, output=str(output)))
    assert (first["tasks"], again["tasks"]) == (1, 0), "e03 is in the file by now"
    assert output.read_bytes() == written
    with AnnotationStore.open(path) as store:
        assert store.answer(on_screen.task_id, "bob", [])


def test_limit_and_file_for_prodigy(crossval: Path) -> None:
    output = crossval / "batch.jsonl"
    report = run(config(crossval, limit=1, output=str(output)))
    (row,) = read_jsonl(output)
    assert report["tasks"] == 1
    assert set(row["meta"]) == {"encounter_id", "batch"}
    assert row["accept"] == []
    only = run(config(crossval, limit=0, store=str(crossval / "none.sqlite")))
    assert (only["batch"], only["tasks"]) == (None, 0)
    assert not (crossval / "none.sqlite").exists()


def test_the_command_reports_and_refuses_an_unfinished_crossval(crossval: Path) -> None:
    given = ["audit", "--crossval", str(crossval), "--limit", "0"]
    assert len(json.loads(CliRunner().invoke(app, [*given, "--json"]).stdout)["suspects"]) == 3
    assert "e03" in CliRunner().invoke(app, given).stdout
    model = CliRunner().invoke(app, [*given, "--set", "source=model", "--json"])
    assert json.loads(model.stdout)["source"] == "model"
    run = CliRunner().invoke(app, ["audit", "--crossval", str(crossval / "hydrated")])
    with pytest.raises(InputError, match="crossval` to its end"):
        raise run.exception or AssertionError
