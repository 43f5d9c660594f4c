"""The page's server killed at random under answering annotators: nothing lost, nothing doubled."""

import random
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from annotation_page import filled_store, free_port, start_page

from thce.annotations.store import AnnotationStore
from thce.registry.labels import FLAG_NAMES

API = "/v1/annotate"


class Annotator(threading.Thread):
    """A page: takes notes and answers them, sending again whatever got no reply."""

    def __init__(self, address: str, name: str, seed: int, batches: int) -> None:
        super().__init__(name=name)
        self.batches = [f"b{number + 1}" for number in range(batches)]
        self.client = httpx2.Client(
            base_url=address, headers={"X-Annotator": name}, timeout=20, trust_env=False
        )
        self.random = random.Random(seed)
        self.acknowledged: dict[str, tuple[list[str], int]] = {}
        self.sent_again = 0
        self.problems: list[str] = []

    def run(self) -> None:
        with self.client:
            for batch in self.batches:
                while (task := self._post("next", {"batch": batch})["task"]) is not None:
                    self._answer(task)

    def _answer(self, task: dict[str, Any]) -> None:
        accept = [name for name in FLAG_NAMES if self.random.random() < 0.2]
        body = {
            "id": f"{self.name}-{task['task_id']}-{task['version']}",
            "task_id": task["task_id"],
            "version": task["version"],
            "answer": "accept",
            "accept": accept,
        }
        version = self._post("answers", body)["version"]
        self.acknowledged[task["task_id"]] = (accept, version)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        while True:
            try:
                reply = self.client.post(f"{API}/{path}", json=body)
            except httpx2.TransportError:
                self.sent_again += 1
                time.sleep(0.05)
                continue
            if reply.status_code == 429:
                time.sleep(int(reply.headers["Retry-After"]))
                continue
            if reply.status_code != 200:
                self.problems.append(f"{path}: {reply.status_code} {reply.text}")
            reply.raise_for_status()
            return dict(reply.json())


def answer_under_kills(
    path: Path, notes: int, kills: int, pause: tuple[float, float], batches: int = 1
) -> None:
    """Two annotators answer every note of a store while its server is killed again and again."""
    filled_store(path, notes, overlap=2, batches=batches)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    process = start_page(path, port)
    annotators = [
        Annotator(address, name, seed, batches) for seed, name in enumerate(("anna", "ben"))
    ]
    chance = random.Random(7)
    killed = 0
    try:
        for one in annotators:
            one.start()
        while any(one.is_alive() for one in annotators):
            if killed < kills:
                time.sleep(chance.uniform(*pause))
                if any(one.is_alive() for one in annotators):
                    process.kill()
                    process.wait()
                    killed += 1
                    process = start_page(path, port)
            else:
                time.sleep(0.1)
    finally:
        process.kill()
        process.wait()
        for one in annotators:
            one.join(timeout=60)
    assert killed == kills, "the server was killed while people answered"
    check(path, annotators, notes * batches)


def check(path: Path, annotators: list[Annotator], notes: int) -> None:
    for one in annotators:
        assert one.problems == []
        assert len(one.acknowledged) == notes, "each answered every note once"
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    rows = connection.execute("SELECT task_id, annotator, accept, seq FROM answers").fetchall()
    connection.close()
    assert set(Counter(row[:2] for row in rows).values()) == {1}, "none is doubled"
    assert len(rows) == 2 * notes, "none is lost"
    kept = {(task, name): (accept, seq) for task, name, accept, seq in rows}
    for one in annotators:
        for task, (accept, version) in one.acknowledged.items():
            stored, seq = kept[task, one.name]
            assert stored == str(accept).replace("'", '"')
            assert seq == version, "the version that was acknowledged"
    with AnnotationStore.open(path) as store:
        assert sum(store.unfinished(batch.batch) for batch in store.batches()) == 0


def test_a_killed_server_loses_and_doubles_no_answer(tmp_path: Path) -> None:
    answer_under_kills(tmp_path / "annotations.sqlite", notes=150, kills=2, pause=(0.2, 0.8))


@pytest.mark.soak
def test_ten_thousand_answers_under_kills(tmp_path: Path) -> None:
    answer_under_kills(tmp_path / "annotations.sqlite", 500, kills=20, pause=(0.5, 4.0), batches=10)
