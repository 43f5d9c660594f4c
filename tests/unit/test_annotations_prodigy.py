"""Prodigy files: tasks out, answers in, and every line accounted for."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from thce.annotations.labels_csv import export_labels
from thce.annotations.prodigy import export_tasks
from thce.annotations.prodigy_import import import_answers
from thce.annotations.states import Block, State
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask
from thce.errors import InputError
from thce.registry.labels import FLAG_NAMES, Flag, prodigy_options

ALL_FALSE = dict.fromkeys(FLAG_NAMES, 0)
SECRET = "Mr. Planted Marker 555-0199"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnnotationStore]:
    with AnnotationStore.open(tmp_path / "annotations.sqlite", create=True) as opened:
        opened.prepare(
            "b1",
            [
                NewTask("e1", "first note", prefill=(Flag.BAL, Flag.IPC), meta={"cpt": ["31624"]}),
                NewTask("e2", "second note", prefill=(Flag.BAL,), meta={"ml": 0.9}, blind=True),
            ],
        )
        yield opened


def batch(store: AnnotationStore, tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "batch.jsonl"
    export_tasks(store, "b1", path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def answered(row: dict[str, Any], accept: list[str], **fields: Any) -> dict[str, Any]:
    """The row as db-out writes it after an annotator pressed a button."""
    added = {"_input_hash": -91551573, "_task_hash": 1162253049, "_view_id": "choice"}
    added |= {"answer": "accept", "_timestamp": 1707211049}
    added |= {"_annotator_id": "registry_v1-anna", "_session_id": "registry_v1-anna"}
    return row | added | {"accept": accept} | fields


def write(tmp_path: Path, *rows: dict[str, Any] | str | bytes, name: str = "out.jsonl") -> Path:
    path = tmp_path / name
    lines = [json.dumps(row) if isinstance(row, dict) else row for row in rows]
    path.write_bytes(
        b"\n".join(line.encode() if isinstance(line, str) else line for line in lines) + b"\n"
    )
    return path


def labels(store: AnnotationStore) -> dict[str, dict[str, int | None]]:
    rows = store.human_labels().table.to_pylist()
    return {row.pop("encounter_id"): row for row in rows}


def quarantined(path: Path | None) -> list[tuple[int, str]]:
    assert path is not None
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [(row["line"], row["reason"]) for row in rows]


def test_tasks_are_what_the_choice_interface_reads(store: AnnotationStore, tmp_path: Path) -> None:
    first, second = batch(store, tmp_path)
    assert first == {
        "text": "first note",
        "options": prodigy_options(),
        "accept": ["bal", "ipc"],
        "meta": {"cpt": ["31624"], "encounter_id": "e1", "batch": "b1"},
        "config": {"choice_style": "multiple"},
    }
    assert second["accept"] == []
    assert second["meta"] == {"encounter_id": "e2", "batch": "b1"}, "blind: nothing given away"


def test_an_exported_batch_is_held_until_its_answers_arrive(
    store: AnnotationStore, tmp_path: Path
) -> None:
    first, _ = batch(store, tmp_path)
    assert store.blocked(["e1", "e2"]) == {"e1": Block.HELD, "e2": Block.HELD}
    import_answers(store, write(tmp_path, answered(first, [])))
    assert store.blocked(["e1", "e2"]) == {"e1": Block.ANSWERED}


def test_fault_unticking_every_prechecked_box_is_an_all_false_answer(
    store: AnnotationStore, tmp_path: Path
) -> None:
    first, _ = batch(store, tmp_path)
    imported = import_answers(store, write(tmp_path, answered(first, [])))
    assert (imported.new, imported.quarantined) == (1, 0)
    assert labels(store) == {"e1": ALL_FALSE}
    export_labels(store, tmp_path / "human.csv")
    assert "1" not in (tmp_path / "human.csv").read_text().splitlines()[1].removeprefix("e1")


def test_fault_a_prepared_batch_fed_back_is_not_answers(
    store: AnnotationStore, tmp_path: Path
) -> None:
    batch(store, tmp_path)
    with pytest.raises(InputError, match=r"no line is an answer; line 1: answer: missing"):
        import_answers(store, tmp_path / "batch.jsonl")
    assert labels(store) == {}
    assert store.states() == {"e1": State.PREPARED, "e2": State.PREPARED}


def test_a_file_imported_twice_counts_once(store: AnnotationStore, tmp_path: Path) -> None:
    first, second = batch(store, tmp_path)
    path = write(tmp_path, answered(first, ["bal"]), answered(second, []))
    once = import_answers(store, path)
    before = labels(store)
    twice = import_answers(store, path)
    assert (once.new, once.known, twice.new, twice.known) == (2, 0, 0, 2)
    assert labels(store) == before
    assert store.progress()["answers"] == 2


@pytest.mark.parametrize("timestamp", [1707211049, None])
def test_a_later_export_of_a_growing_dataset_adds_only_what_is_new(
    store: AnnotationStore, tmp_path: Path, timestamp: int | None
) -> None:
    first, second = batch(store, tmp_path)
    morning = [answered(first, ["bal"], _timestamp=timestamp)]
    noon = [*morning, answered(second, [], _timestamp=timestamp)]
    import_answers(store, write(tmp_path, *morning, name="morning.jsonl"))
    imported = import_answers(store, write(tmp_path, *noon, name="noon.jsonl"))
    assert (imported.new, imported.known) == (1, 1)


def test_the_latest_answer_wins_by_its_time_not_its_place(
    store: AnnotationStore, tmp_path: Path
) -> None:
    first, _ = batch(store, tmp_path)
    late = answered(first, ["ipc"], _timestamp=1707219999)
    early = answered(first, ["bal"], _timestamp=1707211049)
    import_answers(store, write(tmp_path, late, early))
    assert labels(store) == {"e1": ALL_FALSE | {"ipc": 1}}


def test_without_times_the_last_line_wins(store: AnnotationStore, tmp_path: Path) -> None:
    first, _ = batch(store, tmp_path)
    rows = [answered(first, ticked) for ticked in (["bal"], [], ["bal"], ["ipc"])]
    for row in rows:
        del row["_timestamp"]
    imported = import_answers(store, write(tmp_path, *rows))
    assert imported.new == 4
    assert labels(store) == {"e1": ALL_FALSE | {"ipc": 1}}


def test_unnamed_sessions_are_one_annotator(store: AnnotationStore, tmp_path: Path) -> None:
    first, _ = batch(store, tmp_path)
    monday = {"_annotator_id": "2024-02-05_10-17-19", "_timestamp": 1707128239}
    tuesday = {"_annotator_id": "2024-02-06_09-00-00", "_timestamp": 1707210000}
    rows = answered(first, ["bal"], **monday), answered(first, ["ipc"], **tuesday)
    import_answers(store, write(tmp_path, *rows), annotator="anna")
    assert labels(store) == {"e1": ALL_FALSE | {"ipc": 1}}
    assert list(store.progress()["annotators"]) == ["anna"]


def test_named_sessions_that_disagree_go_to_review(store: AnnotationStore, tmp_path: Path) -> None:
    first, _ = batch(store, tmp_path)
    ben = answered(first, ["bal", "ipc"], _annotator_id="registry_v1-ben", _timestamp=1707219999)
    import_answers(store, write(tmp_path, answered(first, ["bal"]), ben))
    assert labels(store) == {"e1": ALL_FALSE | {"bal": 1, "ipc": None}}
    (conflict,) = store.conflicts()
    assert conflict.votes == {"registry_v1-anna": False, "registry_v1-ben": True}


def test_within_one_second_the_later_line_wins_in_any_order_of_import(
    store: AnnotationStore, tmp_path: Path
) -> None:
    first, _ = batch(store, tmp_path)
    ticked, unticked = answered(first, ["bal"]), answered(first, [])
    short = write(tmp_path, ticked, name="short.jsonl")
    full = write(tmp_path, ticked, unticked, ticked, name="full.jsonl")
    half = write(tmp_path, "", unticked, name="half.jsonl")
    for files in ([short, half, full], [full, half, short]):
        for path in files:
            import_answers(store, path)
        assert labels(store) == {"e1": ALL_FALSE | {"bal": 1}}
    assert store.progress()["answers"] == 2


@pytest.mark.parametrize("answer", ["reject", "ignore"])
def test_reject_and_ignore_are_answers_but_no_labels(
    store: AnnotationStore, tmp_path: Path, answer: str
) -> None:
    first, _ = batch(store, tmp_path)
    import_answers(store, write(tmp_path, answered(first, ["bal", "ipc"], answer=answer)))
    assert labels(store) == {}
    assert store.states()["e1"] is State.ANSWERED


def test_a_task_from_another_machine_is_adopted_with_its_options(
    store: AnnotationStore, tmp_path: Path
) -> None:
    row = {
        "text": "a third note",
        "options": [{"id": "bal", "text": "BAL"}, {"id": "ipc", "text": "IPC"}],
        "meta": {"encounter_id": "e3", "batch": "elsewhere"},
    }
    imported = import_answers(store, write(tmp_path, answered(row, ["ipc"])))
    assert (imported.new, imported.adopted) == (1, 1)
    assert labels(store) == {"e3": dict.fromkeys(FLAG_NAMES) | {"bal": 0, "ipc": 1}}
    assert store.states()["e3"] is State.ANSWERED
    assert [task.encounter_id for task in store.lease("ben", 5, 60)] == ["e1", "e2"], (
        "answered elsewhere: not handed out here"
    )


def test_a_row_that_names_no_batch_answers_the_notes_own_task(
    store: AnnotationStore, tmp_path: Path
) -> None:
    row = {"text": "first note", "encounter_id": "e1"}
    imported = import_answers(store, write(tmp_path, answered(row, ["bal"])))
    assert (imported.new, imported.adopted) == (1, 0)
    assert labels(store) == {"e1": ALL_FALSE | {"bal": 1}}, "options are those of the task"


def test_answers_of_a_deleted_note_do_not_bring_it_back(
    store: AnnotationStore, tmp_path: Path
) -> None:
    first, second = batch(store, tmp_path)
    store.delete_note("e1")
    imported = import_answers(
        store, write(tmp_path, answered(first, ["bal"]), answered(second, []))
    )
    assert (imported.new, imported.deleted, imported.quarantined) == (1, 1, 0)
    assert list(store.states()) == ["e2"]


GOOD = {
    "text": SECRET,
    "options": prodigy_options(),
    "accept": ["bal"],
    "answer": "accept",
    "meta": {"encounter_id": "e7"},
}
BAD = {
    "not JSON": (b'{"text": "' + SECRET.encode(), "not valid JSON"),
    "not an object": (b'["accept"]', "expected a JSON object"),
    "not UTF-8": (b'{"text": "\xff"}', "not UTF-8"),
    "deep": (b"[" * 100_000, "not valid JSON"),
    "unanswered": ({k: v for k, v in GOOD.items() if k != "answer"}, "answer: missing"),
    "unknown answer": (GOOD | {"answer": "maybe"}, "answer: must be"),
    "no answer": (GOOD | {"answer": None}, "answer: must be"),
    "no accept": ({k: v for k, v in GOOD.items() if k != "accept"}, "accept: missing"),
    "null accept": (GOOD | {"accept": None}, "accept: must be a list"),
    "unknown flag": (
        GOOD | {"accept": ["ball"]},
        "accept: an item is not a flag of the registry; did",
    ),
    "text as flag": (GOOD | {"accept": [SECRET]}, "accept: an item is not a flag"),
    "number flag": (GOOD | {"accept": [3]}, "accept: must be a list of flags"),
    "flag not offered": (
        GOOD | {"options": [{"id": "ipc"}], "accept": ["bal"]},
        "accept: bal not among the task's options",
    ),
    "foreign options": (GOOD | {"options": [{"id": "POSITIVE"}]}, "options: an item is not"),
    "no options": (GOOD | {"options": []}, "options: must be a list"),
    "options nowhere": (
        {k: v for k, v in GOOD.items() if k != "options"},
        "options: missing, and the task is not in the store",
    ),
    "no id": (GOOD | {"meta": {}}, "meta.encounter_id: must be a text"),
    "meta no object": (GOOD | {"meta": "e7"}, "meta.encounter_id: must be a text"),
    "id no text": (GOOD | {"meta": {"encounter_id": 7}}, "meta.encounter_id: must be a text"),
    "id with NUL": (GOOD | {"meta": {"encounter_id": "e\x00"}}, "meta.encounter_id: contains"),
    "id surrogate": (GOOD | {"meta": {"encounter_id": "e\ud800"}}, "meta.encounter_id: contains"),
    "batch no text": (GOOD | {"meta": {"encounter_id": "e7", "batch": 1}}, "meta.batch: must be"),
    "text surrogate": (GOOD | {"text": "\ud800"}, "text: contains a lone surrogate"),
    "no text": (GOOD | {"text": None}, "text: must be"),
    "milliseconds": (GOOD | {"_timestamp": 1707211049000}, "_timestamp: must be UTC seconds"),
    "time NaN": (GOOD | {"_timestamp": float("nan")}, "_timestamp: must be UTC seconds"),
    "time huge": (GOOD | {"_timestamp": 10**400}, "_timestamp: must be UTC seconds"),
    "time text": (GOOD | {"_timestamp": "now"}, "_timestamp: must be UTC seconds"),
    "time true": (GOOD | {"_timestamp": True}, "_timestamp: must be UTC seconds"),
    "annotator": (GOOD | {"_annotator_id": ["anna"]}, "_annotator_id: must be a text"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_line_is_quarantined_with_its_number_and_reason(
    store: AnnotationStore, tmp_path: Path, kind: str
) -> None:
    content, reason = BAD[kind]
    first, _ = batch(store, tmp_path)
    path = write(tmp_path, answered(first, []), "", content)
    imported = import_answers(store, path)
    assert (imported.new, imported.quarantined, imported.lines) == (1, 1, 2)
    ((line, told),) = quarantined(imported.quarantine)
    assert line == 3
    assert told.startswith(reason)
    assert SECRET not in told
    assert list(labels(store)) == ["e1"]


def test_a_file_with_a_byte_order_mark_and_crlf_is_read(
    store: AnnotationStore, tmp_path: Path
) -> None:
    first, second = batch(store, tmp_path)
    rows = [json.dumps(answered(row, [])).encode() for row in (first, second)]
    path = tmp_path / "windows.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(rows) + b"\r\n")
    assert import_answers(store, path).new == 2


def test_a_ten_megabyte_note_with_nul_passes_unchanged(
    store: AnnotationStore, tmp_path: Path
) -> None:
    text = "lavage \x00 " * 1_200_000
    row = GOOD | {"text": text, "_timestamp": 5}
    assert import_answers(store, write(tmp_path, row)).new == 1
    assert labels(store)["e7"]["bal"] == 1


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_an_empty_file_is_an_error(store: AnnotationStore, tmp_path: Path, content: str) -> None:
    with pytest.raises(InputError, match="no line is an answer; it is empty"):
        import_answers(store, write(tmp_path, content))


def test_a_missing_file_is_an_error(store: AnnotationStore, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        import_answers(store, tmp_path / "no.jsonl")
