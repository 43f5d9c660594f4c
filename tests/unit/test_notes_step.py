import json
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest

from thce.errors import InputError
from thce.notes.prepare import prepare
from thce.notes.read import read_notes
from thce.notes.step import PREPARED_SCHEMA, PrepareConfig, run


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "notes.jsonl"
    path.parent.mkdir()
    rows = [
        {"id": f"n{i}", "text": f"Dr. Ray did BAL {i}.", "structured": {"x": True}, "accept": []}
        for i in range(30)
    ]
    path.write_text("\n".join([*map(json.dumps, rows), json.dumps(rows[0]), "{"]) + "\n")
    return path


def test_writes_prepared_parquet_and_reports(notes: Path, tmp_path: Path) -> None:
    output = tmp_path / "out" / "prepared.parquet"
    report = run(PrepareConfig(input=str(notes), output=str(output)))
    assert report == {
        "rows": 32,
        "prepared": 30,
        "bad": 1,
        "duplicates": 1,
        "identifiers": {"name": 30},
        "output": str(output),
        "quarantine": str(tmp_path / "out" / "quarantine.jsonl"),
    }
    table = pq.read_table(output)
    assert table.schema.equals(PREPARED_SCHEMA)
    assert table.column("text").to_pylist()[7] == "Dr. [NAME] did BAL 7."
    assert len((tmp_path / "out" / "quarantine.jsonl").read_text().splitlines()) == 2


def test_prepared_jsonl_is_notes_again(notes: Path, tmp_path: Path) -> None:
    output = tmp_path / "prepared.jsonl"
    run(PrepareConfig(input=str(notes), output=str(output)))
    raw, again = (read_notes(str(p), quarantine=None) for p in (notes, output))
    assert again.drop_columns("note_text").equals(raw.drop_columns("note_text"))
    texts = raw.column("note_text").to_pylist()
    assert again.column("note_text").to_pylist() == [prepare(text).text for text in texts]


def test_writes_to_any_storage(notes: Path, tmp_path: Path) -> None:
    report = run(PrepareConfig(input=str(notes), output="memory://step/out.jsonl"))
    assert report["quarantine"] == "memory://step/quarantine.jsonl"
    lines = fsspec.filesystem("memory").cat("/step/out.jsonl").splitlines()
    assert json.loads(lines[0])["text"] == "Dr. [NAME] did BAL 0."


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("out.txt", "end it in .parquet or .jsonl"),
        ("in/notes.jsonl", "one of the inputs"),
        ("in/notes.jsonl/out.jsonl", "cannot be written"),
    ],
)
def test_a_wrong_output_is_refused(notes: Path, tmp_path: Path, output: str, said: str) -> None:
    before = notes.read_bytes()
    with pytest.raises(InputError, match=said):
        run(PrepareConfig(input=str(notes), output=str(tmp_path / output)))
    assert notes.read_bytes() == before


def test_quarantine_and_output_must_differ(notes: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "out.jsonl")
    with pytest.raises(InputError, match="is the output"):
        run(PrepareConfig(input=str(notes), output=path, quarantine=path))


def test_past_the_limit_no_output_appears(notes: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.parquet"
    with pytest.raises(InputError, match="1 of 32 rows are bad"):
        run(PrepareConfig(input=str(notes), output=str(output), max_bad=1))
    assert not output.exists()
