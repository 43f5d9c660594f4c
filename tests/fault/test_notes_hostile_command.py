"""Hostile rows of every format through the command: each read, or quarantined and counted."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from user_commands import report_of, thce

from thce.files import read_jsonl

BIG = "x" * (10 * 1024**2)


def write_json_lines(path: Path) -> list[int]:
    """Writes the rows; returns the lines that are no notes."""
    rows = [
        b"\xef\xbb\xbf" + b'{"id": "a", "text": "with a byte order mark"}',
        b'{"id": "b", "text": "with CRLF"}\r',
        b'{"id": "c", "text": "NUL \\u0000"}',
        b'{"id": "d", "text": "lone \\ud800"}',
        b'{"id": "e", "text": "' + BIG.encode() + b'"}',
        b'{"id": "f", "text": ["wrong type"]}',
        b'{"id": 7, "text": "wrong type of id"}',
        b'{"id": "g", "text": "codes", "cpt_codes": {"31622": true}}',
        b'{"id": "a", "text": "the id of the first row"}',
        b'{"id": "b", "text": "with CRLF"}',
        b"\xff\xfe not UTF-8",
        b"",
        b'{"id": "h", "text": "the last"}',
    ]
    path.write_bytes(b"\n".join(rows))
    return [3, 4, 5, 6, 7, 8, 9, 11]


def write_csv(path: Path) -> list[int]:
    """Writes the rows; returns the lines that are no notes."""
    rows = [
        b"\xef\xbb\xbfid,text,structured",
        b"a,with a byte order mark,",
        b"b,with CRLF,",
        b"c,NUL \x00,",
        b"d,lone \xed\xa0\x80,",
        b"e," + BIG.encode() + b",",
        b"f,form,not JSON",
        b"g,too,many,cells",
        b"a,the id of the first row,",
        b"b,with CRLF,",
        b"h,the last,",
    ]
    path.write_bytes(b"\r\n".join(rows) + b"\r\n")
    return [4, 5, 6, 7, 8, 9]


def write_parquet(path: Path) -> list[int]:
    """Writes the rows; returns the row numbers that are no notes."""
    table = pa.table(
        {
            "id": ["a", "b", "c", "e", "f", "a", "b", "h"],
            "text": [
                "\ufeffwith a byte order mark",
                "with CRLF\r\n",
                "NUL \x00",
                BIG,
                None,
                "the id of the first row",
                "with CRLF\r\n",
                "the last",
            ],
        }
    )
    parquet.write_table(table, path)
    return [3, 4, 5, 6]


FORMATS = {
    "notes.jsonl": write_json_lines,
    "notes.csv": write_csv,
    "notes.parquet": write_parquet,
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_hostile_row_is_read_or_quarantined_and_counted(tmp_path: Path, name: str) -> None:
    bad = FORMATS[name](tmp_path / name)
    out = tmp_path / "out.jsonl"
    given = ["--input", tmp_path / name, "--output", out, "--max-bad", "100", "--json"]
    report = report_of(thce("notes", "prepare", *given, home=tmp_path))
    assert [row["encounter_id"] for row in read_jsonl(out)] == ["a", "b", "h"]
    assert report["bad"] == len(bad)
    assert report["duplicates"] == 1, "the same note again is no bad row"
    assert report["rows"] == report["prepared"] + report["bad"] + report["duplicates"]
    quarantined = read_jsonl(report["quarantine"])
    assert len(quarantined) == len(bad) + 1
    assert set(bad) < {row["line"] for row in quarantined}
    assert BIG[:100] not in json.dumps(quarantined)

    refused = thce("notes", "prepare", *given[:-3], home=tmp_path)
    assert refused.returncode == 2
    assert f"{len(bad)} of {report['rows']} rows are bad" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
