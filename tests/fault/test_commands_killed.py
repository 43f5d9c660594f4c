"""SIGKILL of hydrating, scoring and the loop: the same command ends as if nothing had happened."""

import json
import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest
from small_training import exported, shipped_notes, small_base
from user_commands import begin, descendants, kill_when, report_of, thce, wait_until

from thce.annotations.store import AnnotationStore
from thce.files import read_json, read_jsonl, sha256_file, write_jsonl

pytestmark = pytest.mark.soak


@dataclass(frozen=True)
class Setting:
    """Shipped notes, repeated under other ids so that a step takes some seconds."""

    folder: Path
    notes: Path
    bundle: str

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    def run(self, command: list[str]) -> dict[str, Any]:
        return report_of(thce(*command, "--json", home=self.home))

    def killed(self, command: list[str], when: Callable[[], Any]) -> None:
        """Starts a command and kills it with SIGKILL once `when` is true."""
        kill_when(when, *command, "--json", home=self.home, log=self.log)


@pytest.fixture(scope="module")
def setting(module_folder: Path, registry_data: Path) -> Setting:
    rows = [
        row | {"id": f"{row['id']}-{copy}", "text": f"{row['text']} Copy {copy}."}
        for copy in range(12)
        for row in shipped_notes(registry_data, "a")
    ]
    write_jsonl(module_folder / "notes.jsonl", rows)
    return Setting(module_folder, module_folder / "notes.jsonl", exported(registry_data).bundle)


def hashes(folder: Path) -> dict[str, str]:
    """The hash of every Parquet part."""
    return {path.name: sha256_file(path) for path in sorted(folder.glob("*.parquet"))}


def score_command(setting: Setting, output: Path) -> list[str]:
    given = ["--model", setting.bundle, "--input", str(setting.notes), "--output", str(output)]
    return ["registry", "score", *given, "-s", "part_rows=40", "-s", "batch_rows=4"]


def test_killed_scoring_and_then_the_same_command(setting: Setting) -> None:
    whole, cut = setting.folder / "whole", setting.folder / "cut"
    setting.run(score_command(setting, whole))
    for parts in (1, 4):
        setting.killed(
            score_command(setting, cut),
            lambda wanted=parts: len(list(cut.glob("part-*.parquet"))) >= wanted,
        )
        assert not read_json(cut / "_manifest.json")["complete"]
    report = setting.run(score_command(setting, cut))
    rows = len(read_jsonl(setting.notes))
    assert report["rows"] == rows
    assert 0 < report["scored"] <= rows - 3 * 40, "a part whose commit was cut off is done again"
    assert hashes(cut) == hashes(whole)
    names = parquet.read_table(cut)["encounter_id"].to_pylist()
    assert len(names) == len(set(names)) == rows
    assert not list(cut.glob(".*.tmp")), "nothing of the killed writers is left"


def test_a_killed_scoring_worker_costs_no_row_and_doubles_none(setting: Setting) -> None:
    output = setting.folder / "worker"
    process = begin(*score_command(setting, output), "--json", home=setting.home, log=setting.log)
    wait_until(lambda: list(output.glob("part-*.parquet")), process, setting.log)

    def scoring_worker() -> int | None:
        for child, title in descendants(process.pid):
            if title.startswith("ray::") and "ScoringWorker" in title:
                return child
        return None

    os.kill(wait_until(scoring_worker, process, setting.log), signal.SIGKILL)
    assert process.wait(timeout=240) == 0, setting.log.read_text()[-3000:]
    whole = setting.folder / "whole-again"
    setting.run(score_command(setting, whole))
    assert hashes(output) == hashes(whole)


def test_killed_hydrating_and_then_the_same_command(setting: Setting) -> None:
    outputs = [setting.folder / "hydrated-whole", setting.folder / "hydrated-cut"]
    commands = [
        ["registry", "hydrate", "--input", str(setting.notes), "--output", str(output)]
        for output in outputs
    ]
    setting.run(commands[0])
    staging = setting.folder / "hydrated-cut.tmp"
    setting.killed(commands[1], lambda: (staging / "quarantine.jsonl").is_file())
    assert not outputs[1].exists(), "no half output"
    setting.run(commands[1])
    assert hashes(outputs[1]) == hashes(outputs[0])
    assert not staging.exists()


def loop_command(setting: Setting, registry_data: Path, output: Path) -> list[str]:
    """A loop of one round on sixty notes, by a file of its own."""
    rows = shipped_notes(registry_data, "ab", 30)
    write_jsonl(setting.folder / "loop-notes.jsonl", rows)
    base = small_base(setting.folder / "base", [row["text"] for row in rows])
    config = {
        "notes": [str(setting.folder / "loop-notes.jsonl")],
        "output": str(output),
        "rounds": 1,
        "labels_per_round": 8,
        "validation_labels": 3,
        "recipe": {
            "model_name": base,
            "head_tokens": 64,
            "tail_tokens": 32,
            "epochs": 3,
            "precision": "fp32",
            "scaling": {"threads": 1},
        },
        "warm": {"epochs": 2},
    }
    (setting.folder / "loop.yaml").write_text(json.dumps(config), encoding="utf-8")
    return ["registry", "loop", "--config", str(setting.folder / "loop.yaml")]


def answers(store: Path) -> int:
    """Answers in a store, 0 before it is there."""
    if not store.is_file():
        return 0
    with AnnotationStore.open(store) as opened:
        return int(opened.progress()["answers"])


def test_a_loop_killed_in_every_stage_ends_as_one_that_was_not(
    setting: Setting, registry_data: Path
) -> None:
    output = setting.folder / "loop"
    command = loop_command(setting, registry_data, output)
    expected = setting.run(command)
    spent = answers(output / "annotations.sqlite")
    output.rename(setting.folder / "loop-undisturbed")  # bundles record where they were trained
    shutil.rmtree(setting.home / "ray_train", ignore_errors=True)

    runs = setting.home / "ray_train"
    first, second = output / "rounds" / "0", output / "rounds" / "1"
    stages: dict[str, Callable[[], Any]] = {
        "notes read": lambda: (output / "notes.parquet").is_file(),
        "training": lambda: list(runs.glob("*/checkpoint_*/sealed-0.json")),
        "trained": lambda: (first / "training" / "training.json").is_file(),
        "exported": lambda: (first / "bundle" / "manifest.json").is_file(),
        "scored": lambda: (first / "scores" / "part-00000.parquet").is_file(),
        "first answer": lambda: answers(output / "annotations.sqlite") > 0,
        "asked": lambda: (second / "asked.json").is_file(),
        "labels merged": lambda: (second / "dataset" / "dataset.json").is_file(),
        "trained again": lambda: (second / "training" / "training.json").is_file(),
        "round done": lambda: (second / "round.json").is_file(),
    }
    for reached in stages.values():
        setting.killed(command, reached)
    found = setting.run(command)
    assert answers(output / "annotations.sqlite") == spent, "an answer is lost or doubled"
    for one, other in zip(found["rounds"], expected["rounds"], strict=True):
        assert one == other
    assert found["stopped"] == expected["stopped"]
    page = (output / "report.html").read_text(encoding="utf-8")
    assert expected["rounds"][1]["version"] in page
    assert not list(runs.glob("*")), "no checkpoint is left behind"
