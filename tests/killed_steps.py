"""Kills the small steps of answering, importing, exporting and merging at random moments.

A program of its own, because it forks: `python tests/killed_steps.py FOLDER KILLS ANSWERERS SEED`.
Every step runs in a child that is killed with SIGKILL after a random delay; what the child told to
be done is checked against the store and the files. A kill counts if it found the child at work. At
the end every step is run to its end once more and a summary is printed as JSON.
"""

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

# All that a step needs is imported before the first fork: a child has no time to lose.
import datasketch  # noqa: F401
import pyarrow as pa
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
from hydrated_rows import hydrated_table, write_parquet

from thce.annotations.labels_csv import export_labels, read_labels
from thce.annotations.prodigy_import import import_answers
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import InputError
from thce.notes import near_duplicates  # noqa: F401
from thce.registry.dataset import DatasetConfig, read_split
from thce.registry.dataset import run as build_dataset
from thce.registry.labels import FLAGS, Flag, prodigy_options

NOTES = 48
FILES = ("ben", "carl", "dora")
ENCOUNTERS = [f"e{number:02}" for number in range(NOTES)]

Tell = Callable[[str], None]


def accepted(annotator: str, encounter: str) -> list[Flag]:
    """What an annotator ticks on a note: the same in every run."""
    draw = random.Random(f"{annotator} {encounter}")
    return [flag for flag in FLAGS if draw.random() < 0.1]


def prepare(folder: Path, answerers: int) -> None:
    """A store with a batch, hydrated notes, and a file of answers per further annotator."""
    folder.mkdir(parents=True, exist_ok=True)
    words = random.Random(0)
    texts = [" ".join(f"word{words.randrange(10**6)}" for _ in range(30)) for _ in ENCOUNTERS]
    write_parquet(hydrated_table(ENCOUNTERS, texts), folder / "hydrated")
    with AnnotationStore.open(folder / "annotations.sqlite", create=True) as store:
        store.prepare("b1", [NewTask(name, "note") for name in ENCOUNTERS], overlap=answerers)
    for position, annotator in enumerate(FILES):
        rows = [
            {
                "text": "note",
                "options": prodigy_options(),
                "accept": [flag.value for flag in accepted(annotator, encounter)],
                "answer": "accept",
                "meta": {"encounter_id": encounter, "batch": "b1"},
                "_annotator_id": annotator,
                "_timestamp": 1_700_000_000 + number,
            }
            for number, encounter in enumerate(ENCOUNTERS)
            if number % len(FILES) != position
        ]
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{annotator}.jsonl").write_text(lines, encoding="utf-8")


def answer(answerers: int) -> Callable[[Path, Tell], None]:
    """Every note answered by each of so many annotators in turn, where it is not yet."""

    def step(folder: Path, tell: Tell) -> None:
        with AnnotationStore.open(folder / "annotations.sqlite") as store:
            for annotator in (f"page {number}" for number in range(answerers)):
                done = answered_by(folder, annotator)
                for encounter in (name for name in ENCOUNTERS if name not in done):
                    task = task_id_of("b1", encounter)
                    ticked = accepted("page", encounter)
                    store.answer(task, annotator, ticked, key=f"{annotator} {encounter}")
                    tell(f"{annotator}\t{encounter}")

    return step


def bring_in(annotator: str) -> Callable[[Path, Tell], None]:
    """The import of one annotator's file."""

    def step(folder: Path, tell: Tell) -> None:
        with AnnotationStore.open(folder / "annotations.sqlite") as store:
            import_answers(store, folder / f"{annotator}.jsonl")
        tell(annotator)

    return step


def export(folder: Path, tell: Tell) -> None:
    """Writes the human labels."""
    with AnnotationStore.open(folder / "annotations.sqlite") as store:
        export_labels(store, folder / "human.csv")
    tell("exported")


def merge(folder: Path, tell: Tell) -> None:
    """Builds the dataset with the human labels and records that it holds them."""
    human = folder / "human.csv"
    build_dataset(
        DatasetConfig(
            hydrated=str(folder / "hydrated"),
            human=str(human) if human.exists() else None,
            output=str(folder / "dataset"),
        )
    )
    if human.exists():
        with AnnotationStore.open(folder / "annotations.sqlite") as store:
            store.mark_merged(read_labels(human))
    tell("merged")


def steps(answerers: int) -> dict[str, Callable[[Path, Tell], None]]:
    """Every step by name."""
    imports = {f"import {annotator}": bring_in(annotator) for annotator in FILES}
    return {"answer": answer(answerers), "export": export, "merge": merge} | imports


def run_killed(step: Callable[[Path, Tell], None], folder: Path, delay: float) -> tuple[str, bool]:
    """Runs a step in a child that is killed after a delay.

    Returns:
        What it told to be done, and whether the kill found it at work.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            step(folder, lambda line: os.write(writer, f"{line}\n".encode()) and None)
        finally:
            os._exit(0)
    os.close(writer)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with open(reader, "rb") as told:
        return told.read().decode(), os.WIFSIGNALED(status)


def answered_by(folder: Path, annotator: str) -> set[str]:
    """The notes that an annotator has answered, each once."""
    with closing(sqlite3.connect(folder / "annotations.sqlite")) as connection:
        rows = connection.execute(
            "SELECT encounter_id FROM answers JOIN tasks USING (task_id) WHERE annotator = ?",
            (annotator,),
        ).fetchall()
    names = [row[0] for row in rows]
    assert len(names) == len(set(names)), f"{annotator}: answers are there twice"
    return set(names)


def check(folder: Path, acknowledged: dict[str, set[str]], whole: bool) -> None:
    """Nothing acknowledged is lost, nothing is half there."""
    for annotator, encounters in acknowledged.items():
        assert encounters <= answered_by(folder, annotator), "an acknowledged answer is lost"
    for annotator in FILES:
        found = len(answered_by(folder, annotator))
        assert found in (0, NOTES - NOTES // len(FILES)), f"{annotator}: {found} answers imported"
    if whole:
        with closing(sqlite3.connect(folder / "annotations.sqlite")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    if (folder / "human.csv").exists():
        read_labels(folder / "human.csv")
    if (folder / "dataset" / "dataset.json").exists():
        try:
            rows = sum(
                len(read_split(folder / "dataset", name).texts) for name in ("train", "val", "test")
            )
            assert rows == NOTES
        except InputError as error:
            assert "run `thce registry dataset` again" in str(error)


def merged_bytes(folder: Path) -> dict[str, str]:
    """The hash of every file that merging leaves, and their names."""
    from thce.files import sha256_file

    paths = [folder / "human.csv", *(folder / "dataset").iterdir()]
    return {path.name: sha256_file(path) for path in sorted(paths)}


def finish(folder: Path, answerers: int, draw: random.Random) -> dict[str, str]:
    """Runs every step to its end, imports in any order; the hashes of what comes out."""
    order = ["answer", *(f"import {annotator}" for annotator in FILES)]
    draw.shuffle(order)
    for name in [*order, "export", "merge"]:
        steps(answerers)[name](folder, lambda _: None)
    return merged_bytes(folder)


def kill_many(folder: Path, kills: int, answerers: int, seed: int) -> dict[str, object]:
    """The whole trial.

    Returns:
        How many kills found each step at work, the hashes of what came out in the end, and
        temporary files that are left.
    """
    draw = random.Random(seed)
    prepare(folder, answerers)
    acknowledged: dict[str, set[str]] = {f"page {number}": set() for number in range(answerers)}
    everything = steps(answerers)
    at_work = dict.fromkeys(everything, 0)
    longest = dict.fromkeys(everything, 0.05)
    while sum(at_work.values()) < kills:
        name = draw.choice(list(everything))
        told, hit = run_killed(everything[name], folder, draw.random() * longest[name])
        longest[name] *= 1.1 if hit else 0.8  # about two kills in three find it at work
        at_work[name] += hit
        if name == "answer":
            for line in told.splitlines():
                annotator, encounter = line.split("\t")
                acknowledged[annotator].add(encounter)
        check(folder, acknowledged, whole=sum(at_work.values()) % 50 == 0)
    files = finish(folder, answerers, draw)
    check(folder, {annotator: set(ENCOUNTERS) for annotator in acknowledged}, whole=True)
    litter = [path.name for path in folder.rglob("*.tmp")]
    return {"at_work": at_work, "files": files, "litter": litter}


if __name__ == "__main__":
    pa.set_cpu_count(1)
    numbers = [int(argument) for argument in sys.argv[2:]]
    print(json.dumps(kill_many(Path(sys.argv[1]), *numbers)))
