import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from thce.errors import Finding, InputError
from thce.notes.cli import app


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def _report(*arguments: str) -> Any:
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def notes(tmp_path: Path) -> str:
    path = tmp_path / "notes.jsonl"
    rows = [json.dumps({"text": f"Dr. Ray, BAL {i}"}) for i in range(24)]
    path.write_text("\n".join([*rows, "{"]) + "\n")
    return str(path)


def test_prepare_reports_counts_and_paths(notes: str, tmp_path: Path) -> None:
    output, bad = str(tmp_path / "out.jsonl"), str(tmp_path / "bad.jsonl")
    report = _report("prepare", "--input", notes, "--output", output, "--quarantine", bad)
    assert (report["prepared"], report["bad"], report["identifiers"]) == (24, 1, {"name": 24})
    assert (report["output"], report["quarantine"]) == (output, bad)

    told = _run("prepare", "--input", notes, "--output", output)
    assert "24 of 25 rows prepared, 1 bad, 0 repeated" in told.stdout
    assert told.stdout.splitlines()[-1] == f"prepared notes: {output}"


def test_check_lists_bad_rows_and_fails_past_the_limit(notes: str) -> None:
    report = _report("check", "--input", notes)
    assert (report["rows"], report["read"], report["bad"]) == (25, 24, 1)
    assert report["first_bad"] == [f"{notes}:25: not valid JSON"]
    told = _run("check", "--input", notes, "--max-bad", "3")
    assert f"{notes}:25: not valid JSON" in told.stdout
    assert isinstance(told.exception, Finding)


def test_recall_reports_each_part_and_kind() -> None:
    report = _report("recall")
    assert set(report) == {"development", "held-out"}
    assert report["held-out"]["recall"]["name"]["planted"] == 37
    told = _run("recall")
    assert "held-out: precision" in told.stdout
    assert "name_bare" in told.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("prepare", "--input", "none.jsonl", "--output", "out.jsonl"),
        ("prepare", "--input", "none.jsonl", "--output", "out.jsonl", "--max-bad", "200"),
        ("check", "--input", "none.jsonl"),
        ("check", "--input", "none.jsonl", "--max-bad", "-1"),
        ("recall", "--planted", "none.jsonl"),
    ],
)
def test_wrong_input_is_an_input_error(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = _run(*arguments)
    assert isinstance(result.exception, InputError)
    assert list(tmp_path.iterdir()) == []
