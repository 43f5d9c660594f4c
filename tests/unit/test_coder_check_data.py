"""Gates: each fails on what it is for, on rows of any origin; the command's exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thce.coder.check_data import CheckDataConfig, run
from thce.coder.language import language_of
from thce.errors import InputError
from thce.files import read_jsonl, write_jsonl

Rows = list[dict[str, Any]]


@pytest.fixture()
def shipped(repository: Path) -> Path:
    return repository / "data" / "coder"


def failed(path: Path, stage: int, rows: Rows) -> set[str]:
    write_jsonl(path / "rows.jsonl", rows)
    report = run(CheckDataConfig(stage=stage, input=str(path / "rows.jsonl")))  # type: ignore
    assert report["passed"] == all(gate["passed"] for gate in report["gates"].values())
    return {name.split(" (")[0] for name, gate in report["gates"].items() if not gate["passed"]}


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_shipped_samples_pass(shipped: Path, tmp_path: Path, stage: int) -> None:
    assert failed(tmp_path, stage, read_jsonl(shipped / f"stage_{stage}.jsonl")) == set()


def _answer(text: str) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[7]["messages"][-1]["content"] = text

    return change


def _repeat(rows: Rows) -> None:
    rows += rows[:3]


def _translate(rows: Rows) -> None:
    for row in rows:
        row["messages"][1]["content"] += (
            " El paciente fue ingresado por dolor en el abdomen y con fiebre desde hace tres días, "
            "sin otros síntomas, pero la radiografía no mostró lo que se esperaba."
        )


def _lengthen(rows: Rows) -> None:
    rows[0]["messages"][1]["content"] = "long " * 5000


def _blank(rows: Rows) -> None:
    rows[0]["messages"][1]["content"] = "  "


@pytest.mark.parametrize(
    ("change", "gates"),
    [
        (_answer("<think>\nlooks like it\n</think>\nICD10: E11 (x)"), {"code validity"}),
        (_answer("<think>\nlooks like it\n</think>\nI am not sure"), {"code validity"}),
        (_answer("<think>\nno end\nICD10: I10 (x)"), {"code validity", "reasoning present"}),
        (_repeat, {"duplicates"}),
        (_translate, {"language"}),
        (_lengthen, {"length"}),
        (_blank, {"no empty message"}),
    ],
)
def test_each_gate_fails_on_what_it_is_for(
    shipped: Path, tmp_path: Path, change: Callable[[Rows], None], gates: set[str]
) -> None:
    rows = read_jsonl(shipped / "stage_2.jsonl")
    change(rows)
    assert failed(tmp_path, 2, rows) == gates


def test_a_preference_for_nothing_fails(shipped: Path, tmp_path: Path) -> None:
    rows = read_jsonl(shipped / "stage_3.jsonl")
    rows[0]["rejected"] = rows[0]["chosen"]
    assert failed(tmp_path, 3, rows) == {"preference consistent"}
    rows = read_jsonl(shipped / "stage_3.jsonl")
    code = rows[1]["_metadata"]
    rows[1]["rejected"][0]["content"] = (
        f"<think>\nso it is\n</think>\n{code['code_type']}: {code['code']}"
    )
    assert failed(tmp_path, 3, rows) == {"preference consistent"}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("58M, htn, R wrist fx, no LOC", "english"),
        ("The patient was admitted with fever and no cough", "english"),
        ("El paciente fue ingresado por fiebre y con dolor en la espalda", "spanish"),
        ("Der Patient wurde mit Fieber und Husten aufgenommen", "german"),
        ("Le patient est venu pour des douleurs dans les jambes", "french"),
    ],
)
def test_language_by_function_words(text: str, language: str) -> None:
    assert language_of(text) == language


def test_the_command_ends_as_its_gates_do(shipped: Path, tmp_path: Path) -> None:
    def check(stage: str, path: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "thce.cli", "coder", "check-data", "--json"]
        return subprocess.run(
            [*command, "--stage", stage, "--input", str(path)], capture_output=True, text=True
        )

    good = check("2", shipped / "stage_2.jsonl")
    assert good.returncode == 0 and json.loads(good.stdout)["passed"]
    rows = read_jsonl(shipped / "stage_2.jsonl")
    _repeat(rows)
    write_jsonl(tmp_path / "bad.jsonl", rows)
    bad = check("2", tmp_path / "bad.jsonl")
    assert bad.returncode == 1 and "duplicates" in bad.stderr
    assert not json.loads(bad.stdout)["passed"]
    unknown = check("4", shipped / "stage_2.jsonl")
    assert unknown.returncode == 2 and len(unknown.stderr.splitlines()) == 1


def test_rows_of_another_stage_are_refused(shipped: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1: field 'prompt' is missing"):
        run(CheckDataConfig(stage=3, input=str(shipped / "stage_2.jsonl")))
    with pytest.raises(InputError, match="no such file"):
        run(CheckDataConfig(stage=1, input=str(tmp_path / "absent")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no rows of stage 1"):
        run(CheckDataConfig(stage=1, input=str(tmp_path / "empty")))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="not rows of stage 1"):
        run(CheckDataConfig(stage=1, input=str(tmp_path / "broken.parquet")))


def test_no_rows_fail_and_rows_of_unknown_source_are_counted(shipped: Path, tmp_path: Path) -> None:
    assert failed(tmp_path, 2, []) == {"rows present"}
    rows = read_jsonl(shipped / "stage_1.jsonl")
    for row in rows[:5]:
        row["_metadata"] = {name: row["_metadata"][name] for name in ("code_type", "code")}
    write_jsonl(tmp_path / "rows.jsonl", rows)
    report = run(CheckDataConfig(stage=1, input=str(tmp_path / "rows.jsonl")))
    assert report["by_source"] == {"coder_examples": 45, "not stated": 5}
