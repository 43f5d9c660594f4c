"""A loop killed while answers came in: the same command goes on, and no answer counts twice."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from thce.annotations.prodigy_import import import_answers
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask
from thce.errors import InputError
from thce.files import write_json, write_jsonl
from thce.registry.annotators import answer_by_oracle
from thce.registry.labels import FALSE, N_FLAGS, prodigy_options
from thce.registry.loop import LoopConfig
from thce.registry.loop_ask import finish_answers
from thce.registry.loop_folder import LoopFolder, Round

BATCH = "round-1-train"
ENCOUNTERS = ("e1", "e2", "e3")


@pytest.fixture
def folder(tmp_path: Path) -> LoopFolder:
    """A run whose first round is done and whose batch waits for people."""
    folder = LoopFolder(tmp_path / "loop")
    folder.finish(Round(0, 0, 20, None, None, 1, 10, "0" * 16, "f" * 64))
    with AnnotationStore.open(folder.store, create=True) as store:
        store.prepare(BATCH, [NewTask(name, "note") for name in ENCOUNTERS])
    write_json(folder.pending, {"round": 1, "batches": [BATCH], "file": str(folder.batch)})
    return folder


def answers(path: Path, encounters: tuple[str, ...] = ENCOUNTERS, batch: str = BATCH) -> str:
    """A file of answers."""
    rows: list[dict[str, Any]] = [
        {
            "text": "note",
            "options": prodigy_options(),
            "accept": [],
            "answer": "accept",
            "meta": {"encounter_id": name, "batch": batch},
            "_timestamp": 1_700_000_000,
        }
        for name in encounters
    ]
    write_jsonl(path, rows)
    return str(path)


def config(folder: LoopFolder, answered: str | None) -> LoopConfig:
    return LoopConfig(
        notes=["notes.jsonl"], output=str(folder.path), annotator="file", answers=answered
    )


def recorded(folder: LoopFolder) -> int:
    with AnnotationStore.open(folder.store) as store:
        return int(store.progress()["answers"])


def test_killed_after_the_import_the_same_command_goes_on(
    folder: LoopFolder, tmp_path: Path
) -> None:
    given = answers(tmp_path / "answers.jsonl")
    with AnnotationStore.open(folder.store) as store:
        import_answers(store, given)  # and here the first attempt was killed
    assert finish_answers(config(folder, given), folder) is None
    assert not folder.pending.exists()
    assert recorded(folder) == 3


def test_killed_in_the_round_that_follows_the_same_command_goes_on(
    folder: LoopFolder, tmp_path: Path
) -> None:
    given = answers(tmp_path / "answers.jsonl")
    for _ in range(3):
        assert finish_answers(config(folder, given), folder) is None
    assert recorded(folder) == 3
    assert finish_answers(config(folder, None), folder) is None
    other = answers(tmp_path / "other.jsonl", ("e9",), "another batch")
    with pytest.raises(InputError, match="no batch is pending in this run"):
        finish_answers(config(folder, other), folder)
    assert recorded(folder) == 3


def test_answers_to_another_batch_leave_this_one_waiting(
    folder: LoopFolder, tmp_path: Path
) -> None:
    other = answers(tmp_path / "other.jsonl", ("e9",), "another batch")
    with pytest.raises(InputError, match="no answer to the pending batch in 1 lines"):
        finish_answers(config(folder, other), folder)
    assert folder.pending.is_file()


def test_an_oracle_killed_while_it_answered_doubles_nothing(folder: LoopFolder) -> None:
    gold = {name: np.full(N_FLAGS, FALSE, np.int8) for name in ENCOUNTERS}
    for _ in range(2):
        with AnnotationStore.open(folder.store) as store:
            assert answer_by_oracle(store, BATCH, gold) == 3
    assert recorded(folder) == 3


def test_the_loop_waits_at_the_page_and_goes_on_after_the_last_answer(
    folder: LoopFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at_page = LoopConfig(notes=["notes.jsonl"], output=str(folder.path), annotator="page")
    answered: list[str] = []

    def anna_answers_one(_: float) -> None:
        with AnnotationStore.open(folder.store) as store:
            (task,) = store.lease("anna", 1, 60)
            store.answer(task.task_id, "anna", [])
        answered.append(task.encounter_id)
        if answered == ["e1"]:
            raise KeyboardInterrupt

    monkeypatch.setattr("thce.registry.annotators.time.sleep", anna_answers_one)
    with pytest.raises(KeyboardInterrupt):
        finish_answers(at_page, folder)
    assert folder.pending.is_file(), "stopped in the middle, it still waits"
    assert finish_answers(at_page, folder) is None
    assert answered == list(ENCOUNTERS)
    assert folder.asked(1).is_file()
    said = capsys.readouterr().err
    assert "3 notes wait at the annotation page: thce annotations page --store" in said
    assert "2 notes wait" in said


def test_a_withdrawn_batch_is_waited_for_no_more(folder: LoopFolder) -> None:
    with AnnotationStore.open(folder.store) as store:
        (task,) = store.lease("anna", 1, 60)
        store.answer(task.task_id, "anna", [])
        assert store.withdraw(BATCH) == 2
    at_page = LoopConfig(notes=["notes.jsonl"], output=str(folder.path), annotator="page")
    assert finish_answers(at_page, folder) is None
    assert not folder.pending.exists()
