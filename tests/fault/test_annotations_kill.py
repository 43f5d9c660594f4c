"""Killed and competing processes: what was acknowledged is there, and nothing is there twice."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from thce.annotations.prodigy_import import import_answers
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.registry.labels import Flag, prodigy_options

ANSWER = """
import sys
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import task_id_of
path, annotator, start, stop = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
with AnnotationStore.open(path) as store:
    for number in range(start, stop):
        store.answer(task_id_of("b1", f"e{number}"), annotator, [])
        print(number, flush=True)
"""
LEASE = """
import sys
from thce.annotations.store import AnnotationStore
with AnnotationStore.open(sys.argv[1]) as store:
    while tasks := store.lease(sys.argv[2], 1, 3600):
        store.answer(tasks[0].task_id, sys.argv[2], [])
        print(tasks[0].encounter_id, flush=True)
"""
IMPORT = """
import sys
from thce.annotations.prodigy_import import import_answers
from thce.annotations.store import AnnotationStore
with AnnotationStore.open(sys.argv[1]) as store:
    print("start", flush=True)
    import_answers(store, sys.argv[2])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(path, create=True) as store:
        store.prepare("b1", [NewTask(f"e{number}", "note " * 50) for number in range(3000)])
    return path


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, *(str(argument) for argument in arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def read_lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def kill(process: subprocess.Popen[str]) -> list[str]:
    """Kills a process and returns what it had printed that was not read yet."""
    os.kill(process.pid, signal.SIGKILL)
    output, _ = process.communicate()
    return output.split()


def recorded(path: Path) -> Counter[str]:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT encounter_id FROM answers JOIN tasks USING (task_id)")
        counts = Counter(row[0] for row in rows)
    connection.close()
    return counts


def test_a_killed_annotator_loses_no_acknowledged_answer(path: Path) -> None:
    begin = 0
    for pause in (5, 40):
        process = start(ANSWER, path, "anna", begin, 3000)
        told = read_lines(process, pause) + kill(process)
        acknowledged = {f"e{number}" for number in told}
        found = recorded(path)
        assert acknowledged <= set(found)
        begin = len(found)
        last = int(told[-1]) + 1
        assert begin in (last, last + 1), "at most the answer that was not acknowledged yet"
    with AnnotationStore.open(path) as store:
        assert store.human_labels().table.num_rows == begin
        assert store.answer(task_id_of("b1", "e2999"), "anna", [Flag.BAL])


def test_two_processes_answering_at_once_lose_nothing(path: Path) -> None:
    processes = [start(ANSWER, path, name, 0, 60) for name in ("anna", "ben")]
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0
        assert len(output.split()) == 60
    assert recorded(path) == {f"e{number}": 2 for number in range(60)}


def test_two_processes_leasing_at_once_never_get_the_same_task(tmp_path: Path) -> None:
    path = tmp_path / "annotations.sqlite"
    with AnnotationStore.open(path, create=True) as store:
        store.prepare("b1", [NewTask(f"e{number}", "note") for number in range(80)])
    processes = [start(LEASE, path, name) for name in ("anna", "ben")]
    taken = [process.communicate()[0].split() for process in processes]
    assert sorted(taken[0] + taken[1]) == sorted(f"e{number}" for number in range(80))


def test_a_killed_import_is_all_or_nothing_and_can_be_repeated(path: Path, tmp_path: Path) -> None:
    rows = [
        {
            "text": "note",
            "options": prodigy_options(),
            "accept": [],
            "answer": "accept",
            "meta": {"encounter_id": f"e{number}", "batch": "b1"},
            "_timestamp": number,
        }
        for number in range(3000)
    ]
    answers = tmp_path / "answers.jsonl"
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    for delay in (0.05, 0.2, 0.35):
        process = start(IMPORT, path, answers)
        read_lines(process, 1)
        time.sleep(delay)
        kill(process)
        assert len(recorded(path)) in (0, 3000)
    with AnnotationStore.open(path) as store:
        import_answers(store, answers)
        import_answers(store, answers)
    assert recorded(path) == {f"e{number}": 1 for number in range(3000)}


def test_stores_made_at_the_same_moment_are_one_store(tmp_path: Path) -> None:
    program = """
import sys
from thce.annotations.store import AnnotationStore
with AnnotationStore.open(sys.argv[1], create=True) as store:
    store.add_to_pool([sys.argv[2]])
"""
    path = tmp_path / "new" / "annotations.sqlite"
    processes = [start(program, path, name) for name in ("e1", "e2", "e3")]
    assert [process.wait() for process in processes] == [0, 0, 0]
    with AnnotationStore.open(path) as store:
        assert set(store.states()) == {"e1", "e2", "e3"}
    assert [file.name for file in path.parent.iterdir()] == ["annotations.sqlite"]
