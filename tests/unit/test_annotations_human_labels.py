"""Human labels: what becomes a label, what stays unknown, what goes to review."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from thce.annotations.answers import Verdict
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.registry.labels import FLAG_NAMES, FLAGS, Flag, validate_schema

ALL_FALSE = dict.fromkeys(FLAG_NAMES, 0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnnotationStore]:
    with AnnotationStore.open(tmp_path / "annotations.sqlite", create=True) as opened:
        prefill = (Flag.BAL, Flag.IPC)
        opened.prepare("b1", [NewTask("e1", "note", prefill=prefill)], overlap=3)
        yield opened


E1 = task_id_of("b1", "e1")


def labels(store: AnnotationStore, encounter_id: str = "e1") -> dict[str, int | None]:
    (row,) = [
        row
        for row in store.human_labels().table.to_pylist()
        if row.pop("encounter_id") == encounter_id
    ]
    return row


def test_fault_unticking_every_box_gives_an_all_false_row(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [])
    assert labels(store) == ALL_FALSE


def test_the_table_has_the_columns_that_the_dataset_step_reads(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [Flag.BAL])
    table = store.human_labels().table
    assert table.column_names[0] == "encounter_id"
    validate_schema(table.column_names)
    assert {str(field.type) for field in table.schema} == {"string", "int8"}
    assert labels(store) == ALL_FALSE | {"bal": 1}


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.IGNORE])
def test_reject_and_ignore_never_become_labels(store: AnnotationStore, verdict: Verdict) -> None:
    store.answer(E1, "anna", [Flag.BAL], verdict)
    assert store.human_labels().table.num_rows == 0
    store.answer(E1, "ben", [Flag.IPC])
    assert labels(store) == ALL_FALSE | {"ipc": 1}, "nor do they dispute another's labels"


def test_a_later_reject_takes_the_labels_back(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [Flag.BAL])
    store.answer(E1, "anna", [], Verdict.REJECT)
    assert store.human_labels().table.num_rows == 0


def test_flags_that_were_not_asked_stay_unknown(store: AnnotationStore) -> None:
    asked = (Flag.BAL, Flag.IPC, Flag.BLVR)
    store.prepare("b2", [NewTask("e2", "note", options=asked, prefill=(Flag.BAL,))])
    store.answer(task_id_of("b2", "e2"), "anna", [Flag.IPC])
    expected = dict.fromkeys(FLAG_NAMES) | {"bal": 0, "ipc": 1, "blvr": 0}
    assert labels(store, "e2") == expected


def test_the_latest_answer_of_an_annotator_wins(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [Flag.BAL])
    store.answer(E1, "anna", [Flag.IPC])
    assert labels(store) == ALL_FALSE | {"ipc": 1}
    assert store.conflicts() == []


def test_a_second_batch_about_other_flags_adds_to_the_first(store: AnnotationStore) -> None:
    store.prepare("b2", [NewTask("e2", "note", options=(Flag.BAL, Flag.IPC))])
    store.answer(task_id_of("b2", "e2"), "anna", [Flag.BAL, Flag.IPC])
    store.prepare("b3", [NewTask("e2", "note", options=(Flag.IPC, Flag.BLVR))])
    store.answer(task_id_of("b3", "e2"), "anna", [Flag.BLVR])
    found = labels(store, "e2")
    assert (found["bal"], found["ipc"], found["blvr"], found["brushings"]) == (1, 0, 1, None)


def test_annotators_who_agree_make_labels(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [Flag.BAL])
    store.answer(E1, "ben", [Flag.BAL])
    assert labels(store) == ALL_FALSE | {"bal": 1}
    assert store.conflicts() == []


def test_a_disputed_flag_is_unknown_and_goes_to_review(store: AnnotationStore) -> None:
    store.answer(E1, "ben", [Flag.BAL])
    store.answer(E1, "anna", [Flag.BAL, Flag.IPC])
    assert labels(store) == ALL_FALSE | {"bal": 1, "ipc": None}
    (conflict,) = store.conflicts()
    assert (conflict.encounter_id, conflict.flag) == ("e1", Flag.IPC)
    assert conflict.votes == {"anna": True, "ben": False}


def test_an_adjudicator_overrules_every_annotator(store: AnnotationStore) -> None:
    for annotator, ticked in (("anna", [Flag.BAL]), ("ben", [Flag.IPC]), ("carl", [Flag.IPC])):
        store.answer(E1, annotator, ticked)
    store.resolve("e1", {Flag.BAL: True}, "chief")
    assert [conflict.flag for conflict in store.conflicts()] == [Flag.IPC]
    store.resolve("e1", {Flag.IPC: False}, "chief")
    assert store.conflicts() == []
    assert labels(store) == ALL_FALSE | {"bal": 1}
    store.answer(E1, "ben", [Flag.IPC, Flag.BLVR])
    found = labels(store)
    assert (found["bal"], found["ipc"]) == (1, 0), "a ruling outlives later answers"
    assert [conflict.flag for conflict in store.conflicts()] == [Flag.BLVR]


def test_the_latest_ruling_wins(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [])
    store.resolve("e1", {Flag.BAL: True, Flag.IPC: True}, "chief")
    store.resolve("e1", {Flag.IPC: False}, "deputy")
    found = labels(store)
    assert (found["bal"], found["ipc"]) == (1, 0)


def test_a_note_with_nothing_but_disputes_has_no_row(store: AnnotationStore) -> None:
    store.prepare("b2", [NewTask("e2", "note", options=(Flag.BAL,))], overlap=2)
    store.answer(task_id_of("b2", "e2"), "anna", [Flag.BAL])
    store.answer(task_id_of("b2", "e2"), "ben", [])
    assert store.human_labels().table.num_rows == 0
    assert len(store.conflicts()) == 1


def test_an_undone_answer_uncovers_the_one_in_another_batch(store: AnnotationStore) -> None:
    store.answer(E1, "anna", [Flag.BAL])
    store.prepare("b2", [NewTask("e1", "note")])
    store.answer(task_id_of("b2", "e1"), "anna", [Flag.IPC])
    store.undo(task_id_of("b2", "e1"), "anna")
    assert labels(store) == ALL_FALSE | {"bal": 1}


def test_labels_stand_for_people_only(store: AnnotationStore) -> None:
    with sqlite3.connect(store.path) as connection:
        (prefill,) = connection.execute("SELECT prefill FROM tasks").fetchone()
    connection.close()
    assert prefill == '["bal", "ipc"]'
    assert store.human_labels().table.num_rows == 0, "a prefill is nobody's answer"


def test_rows_come_by_encounter_id_whatever_the_order_of_answers(store: AnnotationStore) -> None:
    store.prepare("b2", [NewTask(name, "note") for name in ("e9", "e3", "e5")])
    for name in ("e5", "e9", "e3"):
        store.answer(task_id_of("b2", name), "anna", [FLAGS[0]])
    assert store.human_labels().table["encounter_id"].to_pylist() == ["e3", "e5", "e9"]
