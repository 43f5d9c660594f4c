"""Laws of the store: any sequence of operations, any order of imports."""

import json
import random
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from thce.annotations.answers import Verdict
from thce.annotations.human_labels import SCHEMA, table_of
from thce.annotations.labels_csv import read_labels, write_labels
from thce.annotations.prodigy_import import import_answers
from thce.annotations.states import Block, State
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, Task
from thce.registry.labels import FALSE, FLAGS, N_FLAGS, TRUE, UNKNOWN, Flag

NOTES = ("e1", "e2", "e3")
ANNOTATORS = ("anna", "ben", "carl")
BATCHES = {"b1": 1, "b2": 2}
ASKED = (Flag.BAL, Flag.IPC)

quick = settings(max_examples=15, deadline=None)


class Annotation(RuleBasedStateMachine):
    """Random work of three annotators, beside a model of what the store must say."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.time = 1000.0
        path = Path(self.folder.name) / "annotations.sqlite"
        self.store = AnnotationStore.open(path, create=True, clock=lambda: self.time)
        self.tasks: dict[str, Task] = {}
        self.recorded = 0
        # (task, annotator) -> the answer that stands, with the time it was given
        self.standing: dict[tuple[str, str], tuple[int, Verdict, tuple[Flag, ...]]] = {}
        self.deleted: set[str] = set()

    def teardown(self) -> None:
        self.store.close()
        self.folder.cleanup()

    @rule(batch=st.sampled_from(sorted(BATCHES)), note=st.sampled_from(NOTES))
    def prepare(self, batch: str, note: str) -> None:
        prepared = self.store.prepare(
            batch, [NewTask(note, "text", options=ASKED)], overlap=BATCHES[batch]
        )
        assert prepared.deleted == (note in self.deleted)
        for task in self.store.tasks(batch):
            self.tasks[task.task_id] = task

    @rule(annotator=st.sampled_from(ANNOTATORS), limit=st.integers(1, 3))
    def lease(self, annotator: str, limit: int) -> None:
        for task in self.store.lease(annotator, limit, seconds=10):
            assert (task.task_id, annotator) not in self.standing, "answered tasks stay away"

    @precondition(lambda self: self.tasks)
    @rule(
        annotator=st.sampled_from(ANNOTATORS),
        accept=st.sets(st.sampled_from(ASKED)),
        verdict=st.sampled_from([Verdict.ACCEPT, Verdict.ACCEPT, Verdict.REJECT, Verdict.IGNORE]),
        pick=st.integers(0, 99),
    )
    def answer(self, annotator: str, accept: set[Flag], verdict: Verdict, pick: int) -> None:
        task_id = sorted(self.tasks)[pick % len(self.tasks)]
        assert self.store.answer(task_id, annotator, sorted(accept), verdict)
        self.recorded += 1
        self.standing[task_id, annotator] = (self.recorded, verdict, tuple(accept))

    @precondition(lambda self: self.standing)
    @rule(pick=st.integers(0, 99))
    def undo(self, pick: int) -> None:
        task_id, annotator = sorted(self.standing)[pick % len(self.standing)]
        self.store.undo(task_id, annotator)
        self.recorded += 1
        del self.standing[task_id, annotator]

    @rule(seconds=st.sampled_from([1.0, 11.0, -5.0]))
    def wait(self, seconds: float) -> None:
        self.time += seconds

    @rule(batch=st.sampled_from(sorted(BATCHES)), hold=st.booleans())
    def take_back_or_hold(self, batch: str, hold: bool) -> None:
        if batch not in {found.batch for found in self.store.batches()}:
            return
        if hold:
            self.store.hold(batch, 10)
        else:
            self.store.withdraw(batch)

    @rule()
    def merge(self) -> None:
        labels = self.store.human_labels().table
        assert self.store.mark_merged(labels) == labels.num_rows
        states = self.store.states()
        assert {states[note] for note in labels["encounter_id"].to_pylist()} <= {State.MERGED}

    @precondition(lambda self: self.tasks)
    @rule(pick=st.integers(0, 999))
    def delete(self, pick: int) -> None:
        if pick % 5:  # seldom, or nothing is left to work on
            return
        note = sorted({task.encounter_id for task in self.tasks.values()})[0]
        gone = {name for name, task in self.tasks.items() if task.encounter_id == note}
        self.recorded -= self.store.delete_note(note).answers
        self.tasks = {name: task for name, task in self.tasks.items() if name not in gone}
        self.standing = {key: value for key, value in self.standing.items() if key[0] not in gone}
        self.deleted.add(note)

    @invariant()
    def every_note_is_in_the_state_its_answers_say(self) -> None:
        states, blocked = self.store.states(), self.store.blocked(NOTES)
        answered = {self.tasks[task_id].encounter_id for task_id, _ in self.standing}
        assert set(states) == {task.encounter_id for task in self.tasks.values()}
        for note, state in states.items():
            assert (state in (State.ANSWERED, State.MERGED)) == (note in answered)
            assert note not in answered or note in blocked
            held = blocked.get(note) is Block.HELD
            assert held or (note in blocked) == (state not in (State.POOL, State.PREPARED))
        assert self.deleted == {n for n, block in blocked.items() if block is Block.DELETED}

    @invariant()
    def no_task_is_with_more_annotators_than_its_overlap(self) -> None:
        holders: dict[str, set[str]] = defaultdict(set)
        for lease in self.store.live_leases():
            holders[lease.task_id].add(lease.annotator)
        for task_id, names in holders.items():
            assert len(names) <= BATCHES[self.tasks[task_id].batch]

    @invariant()
    def no_answer_is_lost(self) -> None:
        assert self.store.progress()["answers"] == self.recorded

    @invariant()
    def labels_are_what_the_annotators_agree_on(self) -> None:
        rows = {row["encounter_id"]: row for row in self.store.human_labels().table.to_pylist()}
        for note in NOTES:
            for flag in ASKED:
                votes = set(self._votes(note, flag))
                expected = votes.pop() if len(votes) == 1 else None
                assert rows.get(note, {}).get(flag) == expected

    def _votes(self, note: str, flag: Flag) -> list[int]:
        """What each annotator's latest standing answer about the note says of the flag."""
        votes = []
        for annotator in ANNOTATORS:
            answers = [
                answer
                for (task_id, name), answer in self.standing.items()
                if name == annotator and self.tasks[task_id].encounter_id == note
            ]
            if answers:
                _, verdict, accept = max(answers, key=lambda answer: answer[0])
                if verdict is Verdict.ACCEPT:
                    votes.append(TRUE if flag in accept else FALSE)
        return votes


TestAnnotation = Annotation.TestCase
TestAnnotation.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)

cells = st.lists(st.sampled_from([TRUE, FALSE, UNKNOWN]), min_size=N_FLAGS, max_size=N_FLAGS)
names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@quick
@given(rows=st.dictionaries(names, cells, max_size=3))
def test_labels_survive_export_and_import(rows: dict[str, list[int]]) -> None:
    table = table_of(list(rows), list(rows.values()))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        write_labels(table, Path(folder) / "human.csv")
        assert read_labels(Path(folder) / "human.csv").equals(table)
    assert table.schema == SCHEMA


@st.composite
def prodigy_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Answers from a space so small that files share answers and answers share their second."""
    rows = []
    for _ in range(draw(st.integers(1, 6))):
        accept = draw(st.sampled_from([[], [Flag.BAL], [Flag.IPC]]))
        rows.append(
            {
                "text": "a note",
                "options": [{"id": flag} for flag in draw(st.sampled_from([ASKED, FLAGS]))],
                "accept": accept,
                "answer": draw(st.sampled_from(["accept", "accept", "reject"])),
                "meta": {"encounter_id": draw(st.sampled_from(["e1", "e2"])), "batch": "b1"},
                "_annotator_id": draw(st.sampled_from(["anna", "ben"])),
                "_timestamp": draw(st.sampled_from([100, 101])),
            }
        )
    return rows


def imported(folder: Path, files: list[list[dict[str, Any]]]) -> tuple[pa.Table, list, int]:
    """Labels, conflicts and number of answers after importing files into a fresh store."""
    number = random.getrandbits(64)
    with AnnotationStore.open(folder / f"{number}.sqlite", create=True) as store:
        store.prepare("b1", [NewTask("e1", "a note")])
        for index, rows in enumerate(files):
            path = folder / f"{number}-{index}.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
            import_answers(store, path)
        labels = store.human_labels()
        return labels.table, labels.conflicts, store.progress()["answers"]


@quick
@given(files=st.lists(prodigy_rows(), min_size=1, max_size=4), data=st.data())
def test_the_order_of_imports_does_not_matter(
    files: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(files))
    with tempfile.TemporaryDirectory() as folder:
        assert imported(Path(folder), files) == imported(Path(folder), shuffled)


@quick
@given(files=st.lists(prodigy_rows(), min_size=1, max_size=3), data=st.data())
def test_importing_again_adds_nothing(
    files: list[list[dict[str, Any]]], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(files), max_size=3))
    with tempfile.TemporaryDirectory() as folder:
        assert imported(Path(folder), files) == imported(Path(folder), files + again)
