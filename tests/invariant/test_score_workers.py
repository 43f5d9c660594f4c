"""Scoring on Ray gives the bytes of the plain core, whatever the workers, batches and stops."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from small_training import exported
from user_commands import kill_when, report_of, thce

from thce.errors import InputError
from thce.files import read_json, read_jsonl
from thce.notes.read import read_notes
from thce.registry.predict import Predictor
from thce.registry.score import ScoreConfig, run
from thce.registry.score_parts import ScoreParts
from thce.registry.scored import json_rows, score_notes

PART_ROWS = 10


@pytest.fixture(scope="module")
def notes(module_folder: Path, registry_data: Path) -> str:
    """48 shipped notes in two files, with two bad rows and one repeated note."""
    folder = module_folder / "notes"
    folder.mkdir()
    lines = (registry_data / "registry_notes_b.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "first.jsonl").write_text("\n".join([*lines[:24], "{", lines[0]]), encoding="utf-8")
    (folder / "second.jsonl").write_text("\n".join(["[]", *lines[24:48]]), encoding="utf-8")
    return str(folder)


@pytest.fixture(scope="module")
def expected(notes: str, registry_data: Path) -> pa.Table:
    """The plain core over the same notes."""
    read = read_notes(notes, quarantine=None)
    return score_notes(Predictor.open(exported(registry_data).bundle), read)


def settings(registry_data: Path, notes: str, output: Path, **changes: Any) -> ScoreConfig:
    values = {
        "model": exported(registry_data).bundle,
        "input": notes,
        "output": str(output),
        "part_rows": PART_ROWS,
    }
    return ScoreConfig.model_validate(values | changes)


def part_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


@pytest.mark.usefixtures("ray_session")
def test_workers_and_batches_do_not_change_a_byte(
    registry_data: Path, notes: str, expected: pa.Table, tmp_path: Path
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    report = run(settings(registry_data, notes, one, max_workers=1, batch_rows=48))
    run(settings(registry_data, notes, two, min_workers=2, max_workers=2, batch_rows=3))
    assert parquet.read_table(one).equals(expected)
    assert part_bytes(one) == part_bytes(two)
    assert (report["rows"], report["scored"], report["bad"], report["duplicates"]) == (48, 48, 2, 1)
    quarantined = read_jsonl(report["quarantine"])
    assert [(Path(row["file"]).name, row["line"]) for row in quarantined] == [
        ("first.jsonl", 25),
        ("first.jsonl", 26),
        ("second.jsonl", 1),
    ]


@pytest.mark.usefixtures("ray_session")
def test_an_interrupted_scoring_goes_on_where_it_was(
    registry_data: Path,
    notes: str,
    expected: pa.Table,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    output = tmp_path / "scores.jsonl"
    config = settings(registry_data, notes, output, max_workers=1)
    append = ScoreParts.append

    def killed_after_two(parts: ScoreParts, table: pa.Table) -> None:
        if len(parts.manifest.parts) == 2:
            raise KeyboardInterrupt
        append(parts, table)

    with monkeypatch.context() as patch:
        patch.setattr(ScoreParts, "append", killed_after_two)
        with pytest.raises(KeyboardInterrupt):
            run(config)
    assert not output.exists()

    report = run(config)
    assert report["rows"] == 48
    assert report["scored"] == 48 - 2 * PART_ROWS
    assert read_jsonl(output) == json.loads(json.dumps(json_rows(expected)))
    written = output.read_bytes()
    assert run(config)["scored"] == 0
    assert output.read_bytes() == written
    assert sorted(path.name for path in (tmp_path / "scores.jsonl.run").iterdir()) == [
        "_manifest.json",
        "_quarantine.jsonl",
    ]
    with pytest.raises(InputError, match="begun with another weights"):
        run(settings(registry_data, notes, output, weights="fp32"))


@pytest.mark.soak
def test_sigkill_of_the_driver_and_then_the_same_command(
    registry_data: Path, notes: str, expected: pa.Table, tmp_path: Path
) -> None:
    output = tmp_path / "scores"
    given = ["--model", exported(registry_data).bundle, "--input", notes, "--output", str(output)]
    fields = ["-s", "part_rows=4", "-s", "max_workers=1", "-s", "batch_rows=1"]
    command = ["registry", "score", *given, *fields, "--json"]
    home = tmp_path / "home"
    kill_when(
        lambda: list(output.glob("part-*.parquet")), *command, home=home, log=tmp_path / "log"
    )
    done = len(read_json(output / "_manifest.json")["parts"])
    assert 1 <= done < 12
    assert report_of(thce(*command, home=home))["scored"] == 48 - 4 * done
    assert parquet.read_table(output).equals(expected)
