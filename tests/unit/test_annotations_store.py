"""The store: what it opens, how notes move through their states, who may hold a task."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from thce.annotations.answers import Verdict
from thce.annotations.states import Block, State
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import InputError
from thce.registry.labels import Flag

HOUR = 3600.0


class Clock:
    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[AnnotationStore]:
    with AnnotationStore.open(tmp_path / "annotations.sqlite", create=True, clock=clock) as opened:
        yield opened


def tasks(*ids: str, **fields: object) -> list[NewTask]:
    return [NewTask(name, f"note of {name}", **fields) for name in ids]  # type: ignore[arg-type]


def ids(found: list) -> list[str]:
    return [task.encounter_id for task in found]


def test_a_missing_file_is_refused_and_not_made(tmp_path: Path) -> None:
    path = tmp_path / "no" / "annotations.sqlite"
    with pytest.raises(InputError, match="no annotation store there"):
        AnnotationStore.open(path)
    assert not path.exists()


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("content", [b"", b"encounter_id,bal\ne1,1\n", b"\x00" * 8192])
def test_a_file_that_is_no_store_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, create: bool
) -> None:
    path = tmp_path / "annotations.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not an annotation store"):
        AnnotationStore.open(path, create=create)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prodigy.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE example (id INTEGER)")
    connection.close()
    with pytest.raises(InputError, match="not an annotation store"):
        AnnotationStore.open(path)


@pytest.mark.parametrize("damage", ["truncated", "overwritten"])
def test_fault_a_corrupt_store_is_an_error_and_never_an_empty_one(
    tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(path, create=True) as store:
        store.prepare("b1", [NewTask(f"e{n}", "text " * 300) for n in range(50)])
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    if damage == "truncated":
        del content[half:]
    else:
        content[half : half + 8192] = b"\xff" * 8192
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"annotations\.sqlite: damaged; restore a backup"):
        AnnotationStore.open(path, create=True)
    assert path.read_bytes() == bytes(content)


def test_another_schema_version_is_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "annotations.sqlite"
    AnnotationStore.open(path, create=True).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    connection.close()
    with pytest.raises(InputError, match=r"schema version 7.*reads 1"):
        AnnotationStore.open(path)


def test_the_store_is_readable_by_its_owner_only(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"))
    files = list(store.path.parent.glob("annotations.sqlite*"))
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_folder_that_cannot_be_made_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="choose a folder"):
        AnnotationStore.open(tmp_path / "file" / "annotations.sqlite", create=True)


def test_a_note_goes_from_the_pool_to_merged(store: AnnotationStore) -> None:
    store.add_to_pool(["e1"])
    seen = [store.states()["e1"]]
    store.prepare("b1", tasks("e1"))
    seen.append(store.states()["e1"])
    (task,) = store.lease("anna", limit=1, seconds=HOUR)
    seen.append(store.states()["e1"])
    store.answer(task.task_id, "anna", [Flag.BAL])
    seen.append(store.states()["e1"])
    assert store.mark_merged(store.human_labels().table) == 1
    seen.append(store.states()["e1"])
    assert seen == [State.POOL, State.PREPARED, State.SHOWN, State.ANSWERED, State.MERGED]


def test_a_new_answer_makes_a_merged_note_answered_again(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"))
    task_id = task_id_of("b1", "e1")
    store.answer(task_id, "anna", [Flag.BAL])
    old = store.human_labels().table
    store.mark_merged(old)
    store.answer(task_id, "anna", [])
    assert store.states()["e1"] is State.ANSWERED
    assert store.mark_merged(old) == 0, "the old labels are not what people say now"
    assert store.mark_merged(store.human_labels().table) == 1
    assert store.states()["e1"] is State.MERGED


def test_fault_prepared_notes_come_back_when_nobody_answers(
    store: AnnotationStore, clock: Clock
) -> None:
    store.prepare("b1", tasks("e1", "e2"))
    assert store.blocked(["e1", "e2"]) == {}, "prepared is not seen"
    store.lease("anna", limit=2, seconds=HOUR)
    assert store.blocked(["e1", "e2"]) == {"e1": Block.LEASED, "e2": Block.LEASED}
    store.answer(task_id_of("b1", "e1"), "anna", [])
    clock.time += HOUR
    assert store.blocked(["e1", "e2"]) == {"e1": Block.ANSWERED}
    assert store.states()["e2"] is State.PREPARED
    again = store.prepare("b2", tasks("e2"))
    assert again.created == 1
    assert ids(store.tasks("b1")) == ["e1"], "a note is open in one batch at a time"
    assert ids(store.lease("ben", limit=5, seconds=HOUR)) == ["e2"]


def test_a_held_batch_is_neither_leased_nor_sampled_until_the_hold_ends(
    store: AnnotationStore, clock: Clock
) -> None:
    store.prepare("b1", tasks("e1"))
    store.hold("b1", HOUR)
    assert store.blocked(["e1"]) == {"e1": Block.HELD}
    assert store.lease("anna", limit=1, seconds=HOUR) == []
    clock.time += HOUR
    assert store.blocked(["e1"]) == {}
    assert ids(store.lease("anna", limit=1, seconds=HOUR)) == ["e1"]


def test_an_answered_note_on_screen_or_handed_out_again_is_blocked_for_that(
    store: AnnotationStore, clock: Clock
) -> None:
    """A reviewer may ask about an answered note, and not about one that somebody has in hand."""
    store.prepare("b1", tasks("e1", "e2", "e3"), overlap=2)
    for name in ("e1", "e2", "e3"):
        store.answer(task_id_of("b1", name), "anna", [])
    assert set(store.blocked(["e1", "e2", "e3"]).values()) == {Block.ANSWERED}
    assert ids(store.lease("ben", limit=1, seconds=HOUR)) == ["e1"]
    store.prepare("review", tasks("e2"))
    store.hold("review", 2 * HOUR)
    assert store.blocked(["e1", "e2", "e3"]) == {
        "e1": Block.LEASED,
        "e2": Block.HELD,
        "e3": Block.ANSWERED,
    }
    assert store.states()["e1"] is State.ANSWERED
    clock.time += HOUR
    assert store.blocked(["e1", "e2"]) == {"e1": Block.ANSWERED, "e2": Block.HELD}
    clock.time += HOUR
    assert set(store.blocked(["e1", "e2", "e3"]).values()) == {Block.ANSWERED}


def test_a_withdrawn_batch_returns_what_nobody_answered(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1", "e2", "e3"))
    store.answer(task_id_of("b1", "e1"), "anna", [])
    store.lease("anna", limit=1, seconds=HOUR)
    assert store.withdraw("b1") == 2
    assert store.states() == {"e1": State.ANSWERED, "e2": State.POOL, "e3": State.POOL}
    assert store.live_leases() == []
    assert store.prepare("b1", tasks("e1", "e2")).created == 1, "e2 opens again, e1 is answered"
    assert store.states()["e2"] is State.PREPARED


@pytest.mark.parametrize("act", ["hold", "withdraw", "tasks"])
def test_a_batch_that_does_not_exist_is_named(store: AnnotationStore, act: str) -> None:
    arguments = ("nope", 1.0) if act == "hold" else ("nope",)
    with pytest.raises(InputError, match="'nope' is not in the store"):
        getattr(store, act)(*arguments)


def test_preparing_twice_changes_nothing(store: AnnotationStore) -> None:
    first = store.prepare("b1", tasks("e1", "e2", prefill=(Flag.BAL,)))
    before = store.tasks("b1")
    second = store.prepare("b1", [NewTask("e1", "other text"), NewTask("e2", "other text")])
    assert (first.created, second.created, second.existing) == (2, 0, 2)
    assert store.tasks("b1") == before


def test_a_batch_keeps_its_overlap(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"), overlap=2)
    with pytest.raises(InputError, match="same overlap"):
        store.prepare("b1", tasks("e2"), overlap=1)
    assert ids(store.tasks("b1")) == ["e1"]


def test_a_task_keeps_everything_it_was_given(store: AnnotationStore) -> None:
    given = NewTask(
        "e1",
        "naïve note\x00 with\nlines",
        options=(Flag.BAL, Flag.IPC),
        prefill=(Flag.IPC,),
        meta={"ml_only": ["ipc"], "disagreement_score": 1, "probabilities": [0.25]},
        blind=True,
    )
    store.prepare("b1", [given])
    (task,) = store.tasks("b1")
    fields = ("encounter_id", "text", "options", "prefill", "meta", "blind")
    assert [getattr(task, name) for name in fields] == [getattr(given, name) for name in fields]
    assert task.ticked == (), "a blind task shows no prefill"


def test_two_annotators_never_hold_the_same_task(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1", "e2", "e3"))
    anna = ids(store.lease("anna", limit=2, seconds=HOUR))
    ben = ids(store.lease("ben", limit=3, seconds=HOUR))
    assert (anna, ben) == (["e1", "e2"], ["e3"])


def test_overlap_gives_each_task_to_that_many_annotators(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"), overlap=2)
    (task,) = store.lease("anna", limit=5, seconds=HOUR)
    assert ids(store.lease("ben", limit=5, seconds=HOUR)) == ["e1"]
    assert store.lease("carl", limit=5, seconds=HOUR) == []
    store.answer(task.task_id, "anna", [])
    store.answer(task.task_id, "ben", [])
    for annotator in ("anna", "ben", "carl"):
        assert store.lease(annotator, limit=5, seconds=HOUR) == []


def test_a_page_opened_again_finds_its_tasks_and_extends_them(
    store: AnnotationStore, clock: Clock
) -> None:
    store.prepare("b1", tasks("e1", "e2", "e3"))
    store.lease("ben", limit=1, seconds=HOUR)
    store.lease("anna", limit=1, seconds=HOUR)
    clock.time += HOUR / 2
    assert ids(store.lease("anna", limit=2, seconds=HOUR)) == ["e2", "e3"]
    clock.time += 0.75 * HOUR
    assert [(lease.annotator, lease.encounter_id) for lease in store.live_leases()] == [
        ("anna", "e2"),
        ("anna", "e3"),
    ]


def test_leases_can_be_given_up(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1", "e2"))
    store.lease("anna", limit=2, seconds=HOUR)
    assert store.give_up("anna") == 2
    assert ids(store.lease("ben", limit=2, seconds=HOUR)) == ["e1", "e2"]


def test_a_lease_can_ask_for_one_batch(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"))
    store.prepare("b2", tasks("e2"))
    assert ids(store.lease("anna", limit=5, seconds=HOUR, batch="b2")) == ["e2"]


def test_answers_are_append_only(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"))
    task_id = task_id_of("b1", "e1")
    store.answer(task_id, "anna", [Flag.BAL])
    store.answer(task_id, "anna", [])
    store.undo(task_id, "anna")
    with sqlite3.connect(store.path) as connection:
        rows = connection.execute("SELECT answer, accept FROM answers ORDER BY seq").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute("UPDATE answers SET accept = '[]'")
    connection.close()
    assert rows == [("accept", '["bal"]'), ("accept", "[]"), ("undo", "[]")]


def test_an_undone_answer_opens_its_task_again(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"))
    task_id = task_id_of("b1", "e1")
    store.answer(task_id, "anna", [Flag.BAL])
    assert store.lease("anna", limit=1, seconds=HOUR) == []
    store.undo(task_id, "anna")
    assert store.states()["e1"] is State.PREPARED
    assert store.human_labels().table.num_rows == 0
    assert ids(store.lease("anna", limit=1, seconds=HOUR)) == ["e1"]
    with pytest.raises(InputError, match="no answer to undo"):
        store.undo(task_id, "anna")


def test_an_answer_sent_twice_counts_once(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1"))
    task_id = task_id_of("b1", "e1")
    assert store.answer(task_id, "anna", [Flag.BAL], key="click-1")
    assert not store.answer(task_id, "anna", [Flag.BAL], key="click-1")
    assert store.progress()["answers"] == 1


def test_a_later_answer_counts_though_the_clock_was_set_back(
    store: AnnotationStore, clock: Clock
) -> None:
    store.prepare("b1", tasks("e1"))
    task_id = task_id_of("b1", "e1")
    store.answer(task_id, "anna", [Flag.BAL])
    clock.time -= HOUR
    store.answer(task_id, "anna", [Flag.IPC])
    store.prepare("b2", tasks("e1"))
    store.answer(task_id_of("b2", "e1"), "anna", [Flag.BLVR])
    (row,) = store.human_labels().table.to_pylist()
    assert [flag for flag in (Flag.BAL, Flag.IPC, Flag.BLVR) if row[flag]] == [Flag.BLVR]


def test_a_flag_that_was_not_asked_cannot_be_ticked(store: AnnotationStore) -> None:
    store.prepare("b1", tasks("e1", options=(Flag.BAL,)))
    with pytest.raises(InputError, match="ipc not among the task's options"):
        store.answer(task_id_of("b1", "e1"), "anna", [Flag.IPC])
    assert store.states()["e1"] is State.PREPARED


def test_an_unknown_task_is_refused(store: AnnotationStore) -> None:
    with pytest.raises(InputError, match="no such task"):
        store.answer("0" * 16, "anna", [])
    with pytest.raises(InputError, match="no such task"):
        store.resolve("e9", {Flag.BAL: True}, "chief")


def test_progress_counts_states_annotators_and_pace(store: AnnotationStore, clock: Clock) -> None:
    store.add_to_pool(["e9"])
    store.prepare("b1", tasks("e1", "e2", "e3", "e4", "e5"))
    for name, verdict, wait in (
        ("e1", Verdict.ACCEPT, 20),
        ("e2", Verdict.REJECT, 40),
        ("e3", Verdict.IGNORE, 5000),
        ("e4", Verdict.ACCEPT, 0),
    ):
        store.answer(task_id_of("b1", name), "anna", [], verdict)
        clock.time += wait
    report = store.progress()
    assert report["notes"] == {"pool": 1, "prepared": 1, "shown": 0, "answered": 4, "merged": 0}
    assert report["annotators"]["anna"] == {
        "accept": 2,
        "reject": 1,
        "ignore": 1,
        "last_answer": 1_700_000_000.0 + 5060,
        "median_seconds": 30.0,
    }
    assert report["batches"] == [
        {"batch": "b1", "overlap": 1, "tasks": 5, "answered": 4, "held_until": None}
    ]
