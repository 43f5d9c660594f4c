"""`thce annotations` as a user types it, with and without a Prodigy program on the machine."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from thce.annotations.cli import app
from thce.annotations.labels_csv import read_labels
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, task_id_of
from thce.errors import Finding, InputError
from thce.registry.labels import Flag

PRODIGY = """#!/bin/sh
case "$1" in
mark) echo "$@" ;;
db-out) test "$2" = registry_v1 && cat "$PRODIGY_ANSWERS" ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default store, with a batch of two notes."""
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    path = tmp_path / "home" / "registry" / "annotations.sqlite"
    with AnnotationStore.open(path, create=True) as store:
        store.prepare(
            "b1", [NewTask("e1", "note 1", prefill=(Flag.BAL,)), NewTask("e2", "note 2")], overlap=2
        )
    return path


@pytest.fixture
def no_prodigy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Prodigy; returns a folder that is on the PATH."""
    programs = tmp_path / "programs"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "bin" / "python"))
    return programs


@pytest.fixture
def prodigy(no_prodigy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that answers to Prodigy's name; returns the file that its db-out prints."""
    program = no_prodigy / "prodigy"
    program.write_text(PRODIGY)
    program.chmod(0o755)
    answers = tmp_path / "answers.jsonl"
    monkeypatch.setenv("PRODIGY_ANSWERS", str(answers))
    monkeypatch.setenv("PATH", f"{no_prodigy}{os.pathsep}/usr/bin{os.pathsep}/bin")
    return answers


def run(*arguments: str | Path) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None:
        raise result.exception
    return result.output


def run_json(*arguments: str | Path) -> Any:
    return json.loads(run(*arguments, "--json"))


def answer_all(batch: Path, answers: Path, accept: list[str]) -> None:
    rows = [json.loads(line) for line in batch.read_text().splitlines()]
    answers.write_text(
        "".join(json.dumps(row | {"accept": accept, "answer": "accept"}) + "\n" for row in rows)
    )


def test_a_batch_goes_out_comes_back_and_becomes_labels(path: Path, tmp_path: Path) -> None:
    batch, answers, csv = (tmp_path / name for name in ("batch.jsonl", "out.jsonl", "human.csv"))
    assert run_json("export-tasks", "b1", "--output", batch) == {"tasks": 2, "output": str(batch)}
    answer_all(batch, answers, [])
    assert run_json("import", "--input", answers)["new"] == 2
    assert "0 new answers, 2 known already" in run("import", "--input", answers)
    assert f"2 notes in {csv}" in run("export-labels", "--output", csv)
    assert set(read_labels(csv)["bal"].to_pylist()) == {0}
    assert run_json("mark-merged", "--labels", csv) == {"merged": 2}
    assert run_json("status")["notes"]["merged"] == 2
    assert "2 merged" in run("status")


def test_import_runs_db_out_and_leaves_no_copy_of_the_notes(
    path: Path, tmp_path: Path, prodigy: Path
) -> None:
    batch = tmp_path / "batch.jsonl"
    run("export-tasks", "b1", "--output", batch)
    answer_all(batch, prodigy, ["bal"])
    assert run_json("import", "--prodigy-dataset", "registry_v1")["new"] == 2
    assert sorted(file.name for file in path.parent.iterdir()) == ["annotations.sqlite"]


def test_a_dataset_that_prodigy_does_not_know_is_an_input_error(path: Path, prodigy: Path) -> None:
    with pytest.raises(InputError, match="db-out nothing failed with exit status 1"):
        run("import", "--prodigy-dataset", "nothing")


def test_without_prodigy_the_message_says_how_to_go_on(
    path: Path, tmp_path: Path, no_prodigy: Path
) -> None:
    batch = tmp_path / "batch.jsonl"
    run("export-tasks", "b1", "--output", batch)
    for arguments in (
        ("annotate", "--dataset", "registry_v1", "--batch", batch),
        ("import", "--prodigy-dataset", "registry_v1"),
    ):
        with pytest.raises(InputError, match=r"not installed.*thce annotations import --input"):
            run(*arguments)


def test_annotate_without_a_batch_file_says_what_writes_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.jsonl: no batch there; .*thce registry sample"):
        run("annotate", "--dataset", "registry_v1", "--batch", tmp_path / "none.jsonl")


def test_annotate_becomes_prodigy_mark(path: Path, tmp_path: Path, prodigy: Path) -> None:
    batch = tmp_path / "batch.jsonl"
    run("export-tasks", "b1", "--output", batch)
    # In a process of its own: the command is replaced by Prodigy and does not return.
    code = f"import sys; sys.executable = {sys.executable!r}; from thce.annotations.cli import app"
    arguments = ["annotate", "--dataset", "registry_v1", "--batch", str(batch)]
    python = Path(sys.prefix) / "bin" / "python"
    result = subprocess.run(
        [python, "-c", f"{code}; app()", *arguments], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == ["mark", "registry_v1", str(batch), "--view-id", "choice"]


@pytest.mark.parametrize("content", [None, "", "{broken"])
def test_annotate_refuses_a_file_that_holds_no_tasks(
    tmp_path: Path, prodigy: Path, content: str | None
) -> None:
    batch = tmp_path / "batch.jsonl"
    if content is not None:
        batch.write_text(content)
    with pytest.raises(InputError, match=r"batch\.jsonl"):
        run("annotate", "--dataset", "registry_v1", "--batch", batch)


def test_import_wants_one_source(path: Path, tmp_path: Path) -> None:
    for arguments in ([], ["--input", tmp_path / "x", "--prodigy-dataset", "y"]):
        with pytest.raises(InputError, match="give either --prodigy-dataset or --input"):
            run("import", *arguments)


def test_many_bad_lines_are_a_finding_but_the_good_ones_are_in(path: Path, tmp_path: Path) -> None:
    batch, answers = tmp_path / "batch.jsonl", tmp_path / "out.jsonl"
    run("export-tasks", "b1", "--output", batch)
    answer_all(batch, answers, [])
    answers.write_text(answers.read_text() + "{broken\n")
    with pytest.raises(Finding, match="1 of 3 lines are no answers"):
        run("import", "--input", answers)
    assert run_json("status")["notes"]["answered"] == 2
    report = run_json("import", "--input", answers, "--max-bad", "50")
    assert (report["known"], report["quarantined"]) == (2, 1)
    assert Path(report["quarantine"]).is_file()


def test_conflicts_are_listed_and_resolved(path: Path) -> None:
    with AnnotationStore.open(path) as store:
        store.answer(task_id_of("b1", "e1"), "anna", [Flag.BAL])
        store.answer(task_id_of("b1", "e1"), "ben", [Flag.IPC])
    assert "e1 bal: anna yes, ben no" in run("conflicts")
    assert [row["flag"] for row in run_json("conflicts")] == ["bal", "ipc"]
    run("resolve", "e1", "--true", "bal", "--false", "ipc", "--by", "chief")
    assert run_json("conflicts") == []
    for wrong in (["--true", "ball"], [], ["--true", "bal", "--false", "bal"]):
        with pytest.raises(InputError, match=r"did you mean 'bal'|name each flag once"):
            run("resolve", "e1", "--by", "chief", *wrong)


def test_leases_and_withdraw(path: Path) -> None:
    with AnnotationStore.open(path) as store:
        store.lease("anna", 1, 3600)
    (lease,) = run_json("leases")
    assert (lease["annotator"], lease["encounter_id"]) == ("anna", "e1")
    assert "anna: e1 until" in run("leases")
    assert run_json("withdraw", "b1") == {"returned": 2}
    assert run_json("status")["notes"]["pool"] == 2


def test_backup_restore_and_delete(path: Path, tmp_path: Path) -> None:
    with AnnotationStore.open(path) as store:
        store.answer(task_id_of("b1", "e1"), "anna", [Flag.BAL])
    file = tmp_path / "backup.sqlite"
    run("backup", file)
    assert run_json("delete", "e1", "--yes") == {"tasks": 1, "answers": 1}
    report = run_json("restore", file, "--force")
    assert report == {"answers": 0, "deleted_again": 1, "set_aside": None}
    assert CliRunner().invoke(app, ["delete", "e2"], input="n\n").exit_code == 1
    assert run_json("status")["notes"]["prepared"] == 1


def test_status_of_a_missing_store_is_an_input_error_and_makes_none(tmp_path: Path) -> None:
    missing = tmp_path / "annotations.sqlite"
    with pytest.raises(InputError, match="no annotation store there"):
        run("status", "--store", missing)
    assert not missing.exists()


def test_the_page_is_not_opened_on_what_it_cannot_serve(path: Path, tmp_path: Path) -> None:
    runner = CliRunner()

    def refused(*arguments: str) -> str:
        found = runner.invoke(app, ["page", *arguments])
        assert isinstance(found.exception, InputError)
        return str(found.exception)

    assert "no annotation store there" in refused("--store", str(tmp_path / "none.sqlite"))
    assert "to this machine only" in refused("--host", "0.0.0.0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused("--port", str(port)).startswith(f"127.0.0.1:{port}: ")
    open_to_all = tmp_path / "tokens.json"
    open_to_all.write_text("{}")
    open_to_all.chmod(0o644)
    assert "chmod 600" in refused("--host", "0.0.0.0", "--token-file", str(open_to_all))
    assert str(tmp_path / "none") in refused("--model", str(tmp_path / "none"))
