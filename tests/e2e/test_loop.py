"""The diamond loop as its user runs it: by the oracle, and by people through answer files."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from small_training import shipped_notes, small_base

from thce.errors import InputError
from thce.files import read_jsonl, write_jsonl
from thce.registry.loop import LoopConfig, run
from thce.serving.annotator_app import app
from thce.serving.config import Safety


@pytest.fixture(scope="module")
def notes(module_folder: Path, registry_data: Path, ray_session: None) -> dict[str, Any]:
    """Sixty shipped notes and an encoder of two small layers."""
    rows = shipped_notes(registry_data, "ab", 30)
    write_jsonl(module_folder / "notes.jsonl", rows)
    small_base(module_folder / "base", [row["text"] for row in rows])
    return {"folder": module_folder, "rows": {row["id"]: row for row in rows}}


def _config(shared: dict[str, Any], name: str, **fields: Any) -> LoopConfig:
    folder = shared["folder"]
    return LoopConfig.model_validate(
        {
            "notes": [str(folder / "notes.jsonl")],
            "output": str(folder / name),
            "rounds": 1,
            "labels_per_round": 8,
            "validation_labels": 3,
            "test_labels": 4,
            "recipe": {
                "model_name": str(folder / "base"),
                "head_tokens": 64,
                "tail_tokens": 32,
                "epochs": 2,
                "checkpoint_every": 0,
            },
            "warm": {"epochs": 1},
            "corpus": "sixty shipped notes",
            "fictional": True,
        }
        | fields
    )


def test_the_oracle_runs_a_round_and_a_second_call_changes_nothing(notes: dict[str, Any]) -> None:
    config = _config(notes, "oracle", blind_fraction=0.5)
    report = run(config)
    first, second = report["rounds"]
    assert (first["labels_spent"], second["labels_spent"]) == (0, 11)
    assert second["compared"] == first["compared"] - 8
    assert first["version"] != second["version"]
    low, high = second["scores"]["micro_f1"][1:]
    assert 0 <= low <= second["scores"]["micro_f1"][0] <= high <= 1
    page = Path(report["report"]).read_text(encoding="utf-8")
    assert "oracle (the shipped gold labels)" in page
    assert "Pull of the prefill" in page
    assert first["version"] in page
    assert second["version"] in page
    assert "http" not in page.replace("http://www.w3.org", "")
    assert run(config) == report


def test_people_answer_a_batch_and_the_loop_goes_on(notes: dict[str, Any]) -> None:
    waiting = run(_config(notes, "people", annotator="file"))
    assert waiting["report"] is None
    tasks = read_jsonl(waiting["waiting_for"])
    assert len(tasks) == 8 + 3 + 4
    assert all(task["config"] == {"choice_style": "multiple"} for task in tasks)
    assert run(_config(notes, "people", annotator="file"))["waiting_for"] == waiting["waiting_for"]

    unanswered = str(notes["folder"] / "unanswered.jsonl")
    write_jsonl(unanswered, tasks)
    with pytest.raises(InputError, match="no "):
        run(_config(notes, "people", annotator="file", answers=unanswered))

    answered = str(notes["folder"] / "answered.jsonl")
    for task in tasks:
        task["accept"] = notes["rows"][task["meta"]["encounter_id"]]["accept"]
        task["answer"] = "accept"
        task["_annotator_id"] = "registry_v1-anna"
    write_jsonl(answered, tasks)
    report = run(_config(notes, "people", annotator="file", answers=answered))
    assert [one["labels_spent"] for one in report["rounds"]] == [0, 11]
    assert report["rounds"][1]["scores"] is not None
    page = Path(report["report"]).read_text(encoding="utf-8")
    assert "oracle" not in page
    assert "Pull of the prefill" not in page, "no task was blind"
    labels = (Path(report["bundle"]).parent / "human_labels.csv").read_text(encoding="utf-8")
    assert len(labels.splitlines()) == 1 + 15


@pytest.mark.soak
def test_people_answer_on_the_page_while_the_loop_waits(notes: dict[str, Any]) -> None:
    config = _config(notes, "page", annotator="page", overlap=2)
    store = notes["folder"] / "page" / "annotations.sqlite"
    with ThreadPoolExecutor(2) as people:
        done = [people.submit(_answer_on_the_page, store, name, notes["rows"]) for name in "ab"]
        report = run(config)
    assert [one.result() for one in done] == [8 + 3 + 4] * 2
    assert [one["labels_spent"] for one in report["rounds"]] == [0, 11]
    assert report["rounds"][1]["scores"] is not None
    page = Path(report["report"]).read_text(encoding="utf-8")
    assert "people, on the annotation page" in page
    assert run(config) == report, "a finished run waits for nobody"


def _answer_on_the_page(store: Path, name: str, rows: dict[str, Any]) -> int:
    """A person who opens the page once the loop has asked, and answers by the gold labels."""
    deadline = time.monotonic() + 300
    while not (store.parent / "pending.json").is_file():
        assert time.monotonic() < deadline, "the loop never asked"
        time.sleep(0.2)
    client = TestClient(app(store, safety=Safety(audit=None)), base_url="http://localhost")
    client.headers["X-Annotator"] = name
    answered = 0
    while task := client.post("/v1/annotate/next", json={}).json()["task"]:
        body = {"task_id": task["task_id"], "version": task["version"], "answer": "accept"}
        accept = rows[task["encounter_id"]]["accept"]
        body |= {"id": f"answer-{answered:04}", "accept": accept}
        assert client.post("/v1/annotate/answers", json=body).status_code == 200
        answered += 1
    return answered


def test_a_run_belongs_to_its_configuration(notes: dict[str, Any]) -> None:
    folder = notes["folder"] / "claimed"
    folder.mkdir()
    (folder / "loop.yaml").write_text("seed: 1\n")
    with pytest.raises(InputError, match="another configuration began this run"):
        run(_config(notes, "claimed"))


def test_the_oracle_refuses_notes_without_gold(notes: dict[str, Any]) -> None:
    rows = [
        {key: value for key, value in row.items() if key != "accept"}
        for row in notes["rows"].values()
    ]
    path = notes["folder"] / "unlabelled.jsonl"
    write_jsonl(path, rows)
    with pytest.raises(InputError, match="no `accept`"):
        run(_config(notes, "no-gold", notes=[str(path)]))


def test_too_few_notes_are_refused(notes: dict[str, Any]) -> None:
    path = notes["folder"] / "few.jsonl"
    write_jsonl(path, [json.loads(json.dumps(row)) for row in list(notes["rows"].values())[:5]])
    with pytest.raises(InputError, match="5 notes are too few"):
        run(_config(notes, "few", notes=[str(path)]))
