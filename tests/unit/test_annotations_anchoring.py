"""Anchoring: a simulated annotator's pull is found, and one without any is not accused of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from thce.annotations.anchoring import measure_anchoring
from thce.annotations.answers import Verdict
from thce.annotations.cli import app
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, Task
from thce.errors import InputError
from thce.evaluation.anchoring import Anchoring
from thce.evaluation.anchoring_section import anchoring_section
from thce.registry.labels import FLAGS, Flag

FALSE_TICKS = 0.4
"""Share of prefilled flags that were not done, and of the done ones that no prefill shows."""


def tasks(rng: np.random.Generator, count: int) -> tuple[list[NewTask], dict[str, set[Flag]]]:
    """Notes with prefills of some quality, a third blind by lot; and what was truly done."""
    blind = rng.permutation(count) < count // 3
    made, truth = [], {}
    for number in range(count):
        prefill = tuple(flag for flag in FLAGS if rng.random() < 0.2)
        done = {flag for flag in prefill if rng.random() > FALSE_TICKS}
        done |= {flag for flag in FLAGS if flag not in prefill and rng.random() < 0.1}
        truth[f"e{number}"] = done
        made.append(
            NewTask(f"e{number}", "note", FLAGS, prefill, {"strategy": "random"}, blind[number])
        )
    return made, truth


def accept(rng: np.random.Generator, task: Task, done: set[Flag], pull: float) -> list[Flag]:
    """What an annotator ticks whom the boxes sway in this share of the flags they get wrong."""
    if task.blind:
        return sorted(done)
    swayed = {flag for flag in FLAGS if rng.random() < pull}
    return [flag for flag in FLAGS if (flag in task.prefill if flag in swayed else flag in done)]


def answered_store(path: Path, pull: float, count: int = 240, seed: int = 1) -> AnnotationStore:
    rng = np.random.default_rng(seed)
    store = AnnotationStore.open(path, create=True)
    made, truth = tasks(rng, count)
    store.prepare("b1", made)
    for task in store.tasks("b1"):
        store.answer(task.task_id, "ann", accept(rng, task, truth[task.encounter_id], pull))
    return store


def measured(path: Path, pull: float, **changes: int) -> Anchoring:
    with answered_store(path, pull, **changes) as store:
        found = measure_anchoring(store)
    assert found is not None
    return found


def test_a_known_pull_is_recovered(tmp_path: Path) -> None:
    found = measured(tmp_path / "s.sqlite", pull=0.5)
    assert (found.shown_notes, found.blind_notes, found.annotators) == (160, 80, ("ann",))
    ticked, unticked = found.ticked.pooled, found.unticked.pooled
    assert ticked.low < 0.5 * FALSE_TICKS < ticked.high
    assert unticked.low < -0.5 * 0.1 < unticked.high
    assert ticked.low > 0
    assert unticked.high < 0
    assert len(found.ticked.flags) == len(FLAGS)
    assert all(one.pull.low <= one.pull.estimate <= one.pull.high for one in found.ticked.flags)


def test_no_pull_is_not_found_where_none_is(tmp_path: Path) -> None:
    clean = [measured(tmp_path / f"{seed}.sqlite", 0.0, seed=seed, count=60) for seed in range(12)]
    accused = sum(one.ticked.pooled.excludes(0) or one.unticked.pooled.excludes(0) for one in clean)
    assert accused <= 3
    words = " ".join(anchoring_section(clean[0], {}).paragraphs)
    assert "no evidence of a pull" in words


def test_only_accepted_answers_of_batches_with_both_kinds_count(tmp_path: Path) -> None:
    with answered_store(tmp_path / "s.sqlite", 0.5, count=30) as store:
        before = measure_anchoring(store)
        store.prepare("all-shown", [NewTask("x1", "note", prefill=(Flag.BAL,), meta={"a": 1})])
        store.answer(store.tasks("all-shown")[0].task_id, "bob", [])
        store.prepare("b1", [NewTask("x2", "note", prefill=(Flag.BAL,), meta={"a": 1})])
        ignored = store.tasks("b1")[-1]
        store.answer(ignored.task_id, "bob", [Flag.BAL], Verdict.IGNORE)
        store.resolve("e0", {Flag.BAL: True}, "chief")
        assert measure_anchoring(store) == before


def test_what_cannot_be_estimated_is_said_and_no_number_is_made_up(tmp_path: Path) -> None:
    """BAL is ticked with prefill in one batch and blind in the other: no batch compares it."""
    path = tmp_path / "s.sqlite"
    with AnnotationStore.open(path, create=True) as store:
        for batch, blind in (("b1", True), ("b2", False)):
            bal = NewTask(f"{batch}-bal", "note", (Flag.BAL,), (Flag.BAL,), {"a": 1}, blind)
            ipc = NewTask(f"{batch}-ipc", "note", (Flag.IPC,), (), {"a": 1}, not blind)
            store.prepare(batch, [bal, ipc])
            for task in store.tasks(batch):
                store.answer(task.task_id, "ann", [*task.options])
        found = measure_anchoring(store)
    assert found is not None
    assert np.isnan(found.ticked.pooled.estimate)
    said = CliRunner().invoke(app, ["anchoring", "--store", str(path)]).stdout
    assert "On flags that the prefill ticks the pull is not estimable: in no batch" in said
    assert "ticked bal: 1 of 1 with prefill, 1 of 1 blind, pull not estimable\n" in said
    assert "nan" not in said
    section = anchoring_section(found, {})
    cells = [cell for table in section.tables for row in table.rows for cell in row]
    assert "nan" not in " ".join([*section.paragraphs, *(c.text + c.detail for c in cells)])
    assert [row[-1].text for row in section.tables[0].rows] == ["not estimable"]


def test_a_pull_on_a_single_blind_note_has_no_interval(tmp_path: Path) -> None:
    with AnnotationStore.open(tmp_path / "s.sqlite", create=True) as store:
        made = [NewTask(f"e{n}", "note", FLAGS, FLAGS[:2], {"a": 1}, n == 0) for n in range(4)]
        store.prepare("b", made)
        for task in store.tasks("b"):
            store.answer(task.task_id, "ann", list(task.ticked))
        found = measure_anchoring(store)
    assert found is not None
    words = " ".join(anchoring_section(found, {}).paragraphs)
    assert "the pull is +1.000 (interval not estimable): too few notes" in words


def test_the_command_reports_and_says_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    answered_store(path, 0.5).close()
    run = CliRunner().invoke(app, ["anchoring", "--store", str(path), "--json"])
    report = json.loads(run.stdout)
    assert report["ticked"]["pooled"]["low"] > 0
    assert (
        "leave ticks standing"
        in CliRunner().invoke(app, ["anchoring", "--store", str(path)]).stdout
    )
    with AnnotationStore.open(tmp_path / "shown.sqlite", create=True) as store:
        store.prepare("b", [NewTask("e", "note")])
    run = CliRunner().invoke(app, ["anchoring", "--store", str(tmp_path / "shown.sqlite")])
    assert isinstance(run.exception, InputError)
    with pytest.raises(InputError, match="--blind-fraction"):
        raise run.exception
