"""500 planted identifiers: none in logs, errors, quarantines, metrics, reports or Ray's logs."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from planted import Identifier, identifiers, shown, shown_in
from small_training import exported, shipped_notes, small_base
from user_commands import thce

from thce.files import read_jsonl, write_jsonl

PLANTED = identifiers()


@dataclass(frozen=True)
class Notes:
    """The planted notes, and rows that put identifiers where they do not belong."""

    folder: Path
    good: Path
    mixed: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"


@pytest.fixture(scope="module")
def notes(module_folder: Path, registry_data: Path) -> Notes:
    folder = module_folder
    rows = shipped_notes(registry_data, "ab", 30)
    for number, row in enumerate(rows):
        mine = PLANTED[number :: len(rows)]
        row["text"] = " ".join([row["text"], *(one.sentence for one in mine)])
        row["cpt_codes"] = [*row.get("cpt_codes", []), mine[0].word]
    write_jsonl(folder / "good.jsonl", rows)
    lines = [json.dumps(row) for row in rows] + bad_lines(PLANTED)
    (folder / "mixed.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return Notes(folder, folder / "good.jsonl", folder / "mixed.jsonl")


def bad_lines(planted: list[Identifier]) -> list[str]:
    """Rows that are no notes, each with an identifier where the reason is found."""
    one = planted[0]
    rows: list[dict[str, Any]] = [
        {"id": "x1", "text": [one.sentence]},
        {"id": {one.word: 1}, "text": one.sentence},
        {"id": f"{one.word}\x00", "text": one.sentence},
        {"id": "x2", "text": one.sentence, "accept": {one.word: one.word}},
        {"id": "x3", "text": one.sentence, "accept": [[one.word]]},
        {"id": "x4", "text": one.sentence, "structured": one.word},
        {"id": "x5", "text": one.sentence, "structured": {one.word: one.word}},
        {"id": "x6", "text": one.sentence, "cpt_codes": {one.word: one.word}},
        {"id": "x7", "text": f"{one.sentence}\ud800"},
        {"id": one.word * 300, "text": one.sentence},
    ]
    return [*(json.dumps(row) for row in rows), '{"id": "x8", "text": "' + one.sentence]


NOTES_THEMSELVES = (
    "prepared.jsonl",
    "notes.parquet",
    "hydrated/*.parquet",
    "dataset/registry_*",
    "annotations.sqlite*",
    "batch*.jsonl",
)
"""What is data and no log: it holds prepared notes and may hold what de-identification missed."""


def silent(done: Any, *written: Path) -> None:
    """The command showed no identifier, nor does any file that it wrote, notes apart.

    Args:
        done: the command that ended.
        written: the files and folders that it wrote; each of them is there.
    """
    assert shown(done.stdout + done.stderr, PLANTED) == []
    for path in written:
        assert path.exists(), f"{path}: nothing was written"
        assert shown_in(logs_in(path), PLANTED) == {}


def logs_in(path: Path) -> list[Path]:
    """A file, or all below a folder that are no notes themselves."""
    files = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
    return [file for file in files if not any(file.match(name) for name in NOTES_THEMSELVES)]


def test_what_is_planted_is_in_the_notes_and_would_be_found(notes: Notes) -> None:
    text = notes.good.read_text(encoding="utf-8")
    assert len(shown(text, PLANTED)) == 500
    assert shown_in([notes.good, Path(__file__)], PLANTED).keys() == {str(notes.good)}


def test_reading_and_preparing_name_no_identifier(notes: Notes) -> None:
    folder = notes.folder / "prepared"
    out, quarantine = folder / "prepared.jsonl", folder / "quarantine.jsonl"
    tolerant = thce(
        *("notes", "prepare", "--input", notes.mixed, "--output", out, "--max-bad", "50"),
        home=notes.home,
    )
    assert tolerant.returncode == 0, tolerant.stderr
    assert len(read_jsonl(quarantine)) == 11
    silent(tolerant, folder)
    strict = thce("notes", "prepare", "--input", notes.mixed, "--output", out, home=notes.home)
    assert strict.returncode == 2
    silent(strict, folder)
    check = thce("notes", "check", "--input", notes.mixed, home=notes.home)
    assert check.returncode == 1
    silent(check)


@pytest.mark.parametrize("field", ["accept", "uncertain", "structured"])
def test_an_identifier_in_place_of_a_flag_is_not_repeated(
    notes: Notes, registry_data: Path, tmp_path: Path, field: str
) -> None:
    wrong = PLANTED[0].word
    row = {"id": "x1", "text": "Bronchoscopy.", "accept": [], "uncertain": []}
    row |= {field: {wrong: True} if field == "structured" else [wrong]}
    write_jsonl(tmp_path / "wrong.jsonl", [row])
    done = thce(
        *("registry", "evaluate", "--model", exported(registry_data).bundle),
        *("--input", tmp_path / "wrong.jsonl"),
        home=notes.home,
    )
    assert done.returncode == 2
    assert f"encounter x1: {field}: " in done.stderr
    silent(done)


def test_evaluating_names_no_identifier(notes: Notes, registry_data: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    done = thce(
        *("registry", "evaluate", "--model", exported(registry_data).bundle, "--json"),
        *("--input", notes.good, "--report", report),
        home=notes.home,
    )
    assert done.returncode == 0, done.stderr
    silent(done, report)


def test_importing_answers_names_no_identifier(notes: Notes, tmp_path: Path) -> None:
    one = PLANTED[0]
    task = {"text": one.sentence, "options": [{"id": "bal", "text": "BAL"}], "accept": []}
    task |= {"answer": "accept", "meta": {"encounter_id": "e1", "batch": "b1"}}
    wrong: list[dict[str, Any]] = [
        task | {"accept": [one.word]},
        task | {"options": [{"id": one.word, "text": one.word}]},
        task | {"answer": one.word},
        task | {"meta": {"encounter_id": f"{one.word}\x00"}},
        task | {"_timestamp": one.word},
        task | {"accept": {one.word: 1}},
    ]
    write_jsonl(tmp_path / "answers.jsonl", [task, *wrong])
    done = thce(
        *("annotations", "import", "--input", tmp_path / "answers.jsonl"),
        *("--store", tmp_path / "annotations.sqlite"),
        home=notes.home,
    )
    assert done.returncode == 1, done.stderr
    (quarantine,) = (tmp_path / "quarantine").iterdir()
    assert len(read_jsonl(quarantine)) == len(wrong)
    silent(done, quarantine)


@pytest.fixture
def ray_folder() -> Iterator[Path]:
    """Where Ray keeps its session and logs; sockets want a short path."""
    folder = Path(tempfile.mkdtemp(prefix="thr", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.soak
def test_the_whole_loop_and_its_parts_name_no_identifier_not_even_in_ray_logs(
    notes: Notes, registry_data: Path, tmp_path: Path, ray_folder: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", str(ray_folder))
    shipped = [row["text"] for row in shipped_notes(registry_data, "a")]
    base = small_base(tmp_path / "base", shipped)
    recipe = {"model_name": base, "head_tokens": 64, "tail_tokens": 32, "epochs": 2}
    config = {
        "notes": [str(notes.good)],
        "rounds": 1,
        "labels_per_round": 8,
        "validation_labels": 3,
        "recipe": recipe,
        "warm": {"epochs": 1},
    }
    (tmp_path / "loop.yaml").write_text(json.dumps(config), encoding="utf-8")
    out = tmp_path / "loop"
    for as_json in ([], ["--json"]):
        done = thce(
            *("registry", "loop", "--config", tmp_path / "loop.yaml", "--output", out, *as_json),
            home=notes.home,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        silent(done, out)

    bundle = out / "rounds" / "1" / "bundle"
    dataset = out / "rounds" / "1" / "dataset"
    tiny = ["-s", "epochs=1", "-s", "head_tokens=64", "-s", "tail_tokens=32"]
    mixed = ["--input", notes.mixed, "-s", "max_bad=50"]
    parts = tmp_path / "parts"
    parts.mkdir()
    hydrated, trained = parts / "hydrated", parts / "trained"
    steps: dict[str, list[object]] = {
        "hydrated": ["hydrate", *mixed, "--output", hydrated],
        "dataset": ["dataset", "--hydrated", out / "hydrated", "--output", parts / "dataset"],
        "trained": [
            *("train", "--dataset", dataset, "--output", trained, "--model-name", base, *tiny)
        ],
        "bundle": [
            *("export", "--model", trained, "--dataset", dataset, "--output", parts / "bundle")
        ],
        "scores.jsonl": ["score", "--model", bundle, *mixed, "--output", parts / "scores.jsonl"],
        "report.html": [
            *("evaluate", "--model", bundle, "--input", notes.good),
            *("--report", parts / "report.html"),
        ],
    }
    for written, step in steps.items():
        done = thce("registry", *step, "--json", home=notes.home)
        assert done.returncode == 0, done.stderr[-3000:]
        silent(done, parts / written, parts)

    row = {"id": "x1", "text": PLANTED[0].sentence, "structured": {PLANTED[0].word: True}}
    write_jsonl(tmp_path / "form.jsonl", [row])
    refused = tmp_path / "refused"
    refused.mkdir()
    wrong = [
        ["hydrate", "--input", tmp_path / "form.jsonl", "--output", refused / "hydrated"],
        [
            *("score", "--model", bundle, "--input", tmp_path / "form.jsonl"),
            *("--output", refused / "scores"),
        ],
        ["hydrate", "--input", notes.mixed, "--output", refused / "mixed"],
    ]
    for step in wrong:
        done = thce("registry", *step, home=notes.home)
        assert done.returncode == 2
        silent(done, refused)
        assert "Traceback" not in done.stderr
        assert done.stderr.splitlines()[-1].startswith("thce: ")

    assert len(logs_in(out) + logs_in(parts)) > 30
    logs = [path for path in ray_folder.rglob("*") if path.is_file() and "/logs/" in str(path)]
    assert len(logs) > 20
    assert shown_in(logs, PLANTED) == {}
    kept = [path for path in notes.home.rglob("*") if path.is_file()]
    assert shown_in(kept, PLANTED) == {}
