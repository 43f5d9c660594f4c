"""Inputs that break readers: each row is read or quarantined by number, and memory stays flat."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from thce.errors import InputError
from thce.notes.read import plan_read, plan_tables, read_notes
from thce.notes.step import PrepareConfig, run

_GOOD = b'{"text": "EBUS of 4R."}'


def test_bom_crlf_and_hostile_rows_are_read_or_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [
        b"\xef\xbb\xbf" + _GOOD,
        b'{"text": "CRLF row"}\r',
        b'{"text": "nul \\u0000"}',
        b'{"text": "raw nul \x00"}',
        b'{"text": "lone \\ud800 surrogate"}',
        b'{"text": "pair \\ud83d\\ude00"}',
        b'{"text": "' + b"x" * (10 * 1024**2) + b'"}',
        b'{"text": "' + b"y" * (2 * 1024**2) + b'"}',
        b'{"text": ' + b"[" * 200_000,
        b'{"text": 12}',
        b'["text"]',
        b'{"id": 7, "text": "number id"}',
        b"\xff\xfe",
        b'{"text": "last, without a line break"}',
    ]
    path.write_bytes(b"\n".join(rows))
    plan = plan_read(str(path), quarantine=None, max_bad_percent=100, chunk_bytes=1024**2)
    texts = [t for table in plan_tables(plan) for t in table.column("note_text").to_pylist()]
    assert texts == ["EBUS of 4R.", "CRLF row", "pair \U0001f600", "last, without a line break"]
    assert [row.line for row in plan.bad] == [3, 4, 5, 7, 8, 9, 10, 11, 12, 13]
    assert plan.counts.rows == len(rows)


def test_a_quote_that_is_never_closed_does_not_swallow_the_file_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text\nfine\n"never closed\n' + "row\n" * 100)
    with pytest.raises(InputError, match="1 of 2 rows are bad"):
        read_notes(str(path), quarantine=None)


def test_an_output_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    notes = tmp_path / "a.jsonl"
    notes.write_bytes(_GOOD + b"\n")
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(InputError, match=r"quarantine\.jsonl: cannot be written: "):
        run(PrepareConfig(input=str(notes), output=str(blocked / "out.parquet")))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.jsonl", "file"]


def test_a_failure_midway_leaves_the_old_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import thce.notes.step as step

    notes, output = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    notes.write_bytes(_GOOD + b"\n")
    run(PrepareConfig(input=str(notes), output=str(output)))
    before = output.read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(step, "_write_json_lines", fail)
    with pytest.raises(InputError, match=r"out\.jsonl: cannot be written: No space left"):
        run(PrepareConfig(input=str(notes), output=str(output)))
    assert output.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.jsonl",
        "out.jsonl",
        "quarantine.jsonl",
    ]


def test_memory_does_not_grow_with_the_input(tmp_path: Path) -> None:
    program = (
        "import resource, sys; from thce.notes.read import plan_read, plan_tables; "
        "rows = sum(t.num_rows for t in plan_tables(plan_read(sys.argv[1], quarantine=None))); "
        "print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    peaks = []
    for count in (2_000, 12_000):
        path = tmp_path / f"{count}.jsonl"
        with open(path, "w", encoding="utf-8") as handle:
            for i in range(count):
                handle.write(json.dumps({"id": str(i), "text": f"Note {i} " + "x" * 6_000}) + "\n")
        done = subprocess.run(
            [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True
        )
        rows, peak = map(int, done.stdout.split())
        assert rows == count
        peaks.append(peak)
    # Ten thousand more notes are 60 MB more of text.
    assert peaks[1] - peaks[0] < 30, peaks
