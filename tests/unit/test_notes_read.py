import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.errors import InputError
from thce.notes.chunks import find_chunks
from thce.notes.identity import encounter_id
from thce.notes.read import plan_read, plan_tables, read_notes
from thce.notes.records import records
from thce.notes.rows import READ_SCHEMA


def _write(path: Path, rows: Iterable[Any]) -> Path:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _notes(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [{"id": f"n{i:03d}", "text": f"Note {i}: BAL."} for i in range(start, start + count)]


def _quarantined(path: Path) -> list[tuple[str, int, str]]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(set(row) == {"file", "line", "reason"} for row in rows)
    return [(Path(row["file"]).name, row["line"], row["reason"]) for row in rows]


def _ids(table: pa.Table) -> list[str]:
    return table.column("encounter_id").to_pylist()


def test_reads_every_shipped_note(registry_data: Path) -> None:
    table = read_notes(str(registry_data), quarantine=None)
    lines = sum(len(p.read_text().splitlines()) for p in registry_data.glob("*.jsonl"))
    assert table.num_rows == lines
    assert table.schema.equals(READ_SCHEMA)


def test_all_formats_give_the_same_table(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "note": 'Said "no",\nthen yes.', "cpt_codes": ["31653", "31624"],
         "structured": {"x": True}, "accept": []},
        {"id": "b", "note": "Zweite é", "cpt_codes": [], "structured": None, "accept": ["x", "y"]},
    ]  # fmt: skip
    jsonl = _write(tmp_path / "a.jsonl", rows)
    zipped = tmp_path / "a.jsonl.gz"
    zipped.write_bytes(gzip.compress(jsonl.read_bytes()))
    csv_path = tmp_path / "a.csv"
    csv_path.write_bytes(
        b'\xef\xbb\xbfid,note,cpt_codes,structured,accept\r\n'
        b'a,"Said ""no"",\nthen yes.",31653;31624,"{""x"": true}",[]\r\n'
        + "b,Zweite é,,,x|y\r\n".encode()
    )  # fmt: skip
    parquet = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), parquet)
    tables = [read_notes(str(path), quarantine=None) for path in (jsonl, zipped, csv_path, parquet)]
    assert tables[0].column("note_text").to_pylist() == [rows[0]["note"], rows[1]["note"]]
    assert tables[0].column("structured").to_pylist() == ['{"x": true}', None]
    assert all(table.equals(tables[0]) for table in tables[1:])


def test_a_folder_is_read_in_the_order_of_names_and_lines(tmp_path: Path) -> None:
    _write(tmp_path / "b.jsonl", _notes(2, 2))
    _write(tmp_path / "a.jsonl", _notes(2))
    _write(tmp_path / "sub" / "c.jsonl", _notes(1, 4))
    _write(tmp_path / "quarantine.jsonl", [{"reason": "old"}])
    _write(tmp_path / "_temporary" / "d.jsonl", _notes(1, 9))
    (tmp_path / "README.txt").write_text("not notes")
    table = read_notes(str(tmp_path), quarantine=None)
    assert _ids(table) == ["n000", "n001", "n002", "n003", "n004"]


def test_a_glob_and_a_url_are_read(tmp_path: Path) -> None:
    _write(tmp_path / "a1.jsonl", _notes(1))
    _write(tmp_path / "a2.jsonl", _notes(1, 1))
    _write(tmp_path / "b.jsonl", _notes(1, 2))
    assert _ids(read_notes(str(tmp_path / "a*.jsonl"), quarantine=None)) == ["n000", "n001"]
    assert _ids(read_notes(f"file://{tmp_path}/b.jsonl", quarantine=None)) == ["n002"]
    with fsspec.open("memory://notes/x.jsonl", "wb") as handle:
        handle.write(b'{"text": "t"}\n')
    table = read_notes("memory://notes/x.jsonl", quarantine="memory://notes/bad.jsonl")
    assert _ids(table) == [encounter_id("t")]
    assert fsspec.filesystem("memory").cat("/notes/bad.jsonl") == b""


@settings(max_examples=25, deadline=None)
@given(
    lines=st.lists(
        st.sampled_from(
            [
                b'{"text": "ok %d"}',
                b"",
                b"{",
                b"\xff",
                b'{"id": "same", "text": "t"}',
                b'{"text":1}',
            ]
        ),
        min_size=1,
        max_size=30,
    ),
    chunk_bytes=st.integers(1, 200),
    last_newline=st.booleans(),
)
def test_the_size_of_the_chunks_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    lines: list[bytes],
    chunk_bytes: int,
    last_newline: bool,
) -> None:
    path = tmp_path_factory.mktemp("chunks") / "notes.jsonl"
    numbered = [
        line % i if b"%d" in line else line for i, line in enumerate([b'{"text": "0"}', *lines])
    ]
    path.write_bytes(b"\n".join(numbered) + b"\n" * last_newline)
    whole = plan_read(str(path), quarantine=None, max_bad_percent=100)
    cut = plan_read(str(path), quarantine=None, max_bad_percent=100, chunk_bytes=chunk_bytes)
    assert (whole.counts, whole.bad) == (cut.counts, cut.bad)
    assert _rows(plan_tables(whole)) == _rows(plan_tables(cut))


def _rows(tables: Iterable[pa.Table]) -> list[dict[str, Any]]:
    return [row for table in tables for row in table.to_pylist()]


def test_parquet_row_groups_are_chunks_with_their_row_numbers(tmp_path: Path) -> None:
    rows = _notes(10)
    rows[7]["text"] = ""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=3)
    assert len(find_chunks(str(path), chunk_bytes=1)) == 4
    plan = plan_read(str(path), quarantine=None, max_bad_percent=20, chunk_bytes=1)
    assert [(row.line, row.reason) for row in plan.bad] == [(8, "the text is empty")]
    assert len(_rows(plan_tables(plan))) == 9


def test_a_parquet_form_may_be_a_struct_or_a_map(tmp_path: Path) -> None:
    for name, kind in (
        ("s", pa.struct([("x", pa.bool_()), ("y", pa.bool_())])),
        ("m", pa.map_(pa.string(), pa.bool_())),
    ):
        value: Any = {"x": True, "y": None} if name == "s" else [("x", True), ("y", None)]
        table = pa.table({"text": ["t"], "structured": pa.array([value], kind)})
        pq.write_table(table, tmp_path / f"{name}.parquet")
        read = read_notes(str(tmp_path / f"{name}.parquet"), quarantine=None)
        assert read.column("structured").to_pylist() == ['{"x": true}']


def test_bad_rows_are_quarantined_with_file_line_and_reason(tmp_path: Path) -> None:
    secret = "Zebulon Quillfeather"
    path = _write(
        tmp_path / "in" / "a.jsonl",
        [
            *_notes(60),
            b'{"text": "' + secret.encode() + b'"',
            b"",
            b'{"text": "\xff"}',
            {"text": " "},
            *_notes(5, 60),
        ],
    )
    bad = tmp_path / "q" / "bad.jsonl"
    table = read_notes(str(path), quarantine=str(bad))
    assert table.num_rows == 65
    assert _quarantined(bad) == [
        ("a.jsonl", 61, "not valid JSON"),
        ("a.jsonl", 63, "not UTF-8 text"),
        ("a.jsonl", 64, "the text is empty"),
    ]
    assert secret not in bad.read_text()


def test_a_clean_input_leaves_an_empty_quarantine(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", _notes(1))
    (tmp_path / "bad.jsonl").write_text("stale\n")
    read_notes(str(path), quarantine=str(tmp_path / "bad.jsonl"))
    assert (tmp_path / "bad.jsonl").read_text() == ""


def test_repeated_ids_keep_the_first_and_say_where_it_is(tmp_path: Path) -> None:
    _write(tmp_path / "a.jsonl", [*_notes(40), {"id": "n003", "text": " Note 3: BAL. "}])
    _write(tmp_path / "b.jsonl", [{"id": "n005", "text": "Another."}, *_notes(1, 50)])
    bad = tmp_path / "out" / "bad.jsonl"
    plan = plan_read(str(tmp_path), quarantine=str(bad))
    ids = [row["encounter_id"] for row in _rows(plan_tables(plan))]
    assert ids == [*(f"n{i:03d}" for i in range(40)), "n050"]
    assert (plan.counts.rows, plan.counts.read) == (43, 41)
    assert (plan.counts.bad, plan.counts.duplicates) == (1, 1)
    assert _quarantined(bad) == [
        ("a.jsonl", 41, f"the encounter id and the text of {tmp_path}/a.jsonl:4 again"),
        ("b.jsonl", 1, f"the encounter id of {tmp_path}/a.jsonl:6 with another text"),
    ]


def test_repeats_alone_never_refuse_an_input(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", [{"text": "same"}] * 10)
    assert read_notes(str(path), quarantine=None, max_bad_percent=0).num_rows == 1


def test_past_the_limit_nothing_is_read_and_the_quarantine_is_there(tmp_path: Path) -> None:
    path = _write(tmp_path / "in.jsonl", [*_notes(18), b"{", b"["])
    bad = tmp_path / "bad.jsonl"
    assert read_notes(str(path), quarantine=None, max_bad_percent=10).num_rows == 18
    with pytest.raises(InputError, match=r"2 of 20 rows are bad \(10\.0 %, at most 9 % allowed\)"):
        read_notes(str(path), quarantine=str(bad), max_bad_percent=9)
    assert len(_quarantined(bad)) == 2


def test_without_one_good_row_there_is_nothing_to_read(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", [b"{"])
    said = r"\(100\.0 %, no note is left\).*a\.jsonl:1: not valid JSON"
    with pytest.raises(InputError, match=said):
        read_notes(str(path), quarantine=None, max_bad_percent=100)


def test_csv_lines_are_counted_through_quoted_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    body = 'id,text\n1,"one\ntwo"\n2\n3,fine\n4,a,b\n\n5,\n6,"unclosed\n'
    path.write_text(body)
    plan = plan_read(str(path), quarantine=None, max_bad_percent=99)
    assert [(row.line, row.reason) for row in plan.bad] == [
        (4, "1 cells under 2 column names"),
        (6, "3 cells under 2 column names"),
        (8, "the text is empty"),
        (9, "not valid CSV: check the quotes"),
    ]
    assert [row["encounter_id"] for row in _rows(plan_tables(plan))] == ["1", "3"]


def test_csv_bytes_that_are_not_utf8_spoil_their_row_only(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n1,caf\xe9\n2,fine\n")
    plan = plan_read(str(path), quarantine=None, max_bad_percent=50)
    assert [row.line for row in plan.bad] == [2]
    assert "UTF-8" in plan.bad[0].reason


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", b"x", "unknown kind of file"),
        ("a.jsonl", b"", "no rows"),
        ("a.jsonl", b"\n\n", "no rows"),
        ("a.csv", b"", "no rows"),
        ("a.csv", b"id,text\n", "no rows"),
        ("a.csv", b"id,body\n1,x\n", "no column of notes"),
        ("a.csv", b"text,id,text\n1,x,y\n", "named twice"),
        ("a.parquet", b"PAR1 but not really", "not a Parquet file"),
        ("a.jsonl.gz", b"not gzip", "gzip"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "t"}\n' * 999)[:40], "gzip file is damaged"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        read_notes(str(path), quarantine=None)
    assert name in str(error.value)


def test_a_header_that_is_a_note_is_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Zebulon Quillfeather was seen,today\nx,y\n")
    with pytest.raises(InputError) as error:
        read_notes(str(path), quarantine=None)
    assert "Quillfeather" not in str(error.value)


def test_wrong_paths_and_limits_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", _notes(1))
    (tmp_path / "empty").mkdir()
    pq.write_table(pa.table({"body": ["x"]}), tmp_path / "b.parquet")
    for given_path, said in (
        (str(tmp_path / "none.jsonl"), "no such file"),
        (str(tmp_path / "*.csv"), "no file matches"),
        (str(tmp_path / "empty"), "holds no"),
        (str(tmp_path / "b.parquet"), "no column of notes"),
        ("nosuch://x/a.jsonl", "cannot be listed"),
    ):
        with pytest.raises(InputError, match=said):
            read_notes(given_path, quarantine=None)
    with pytest.raises(InputError, match="no percentage"):
        read_notes(str(path), quarantine=None, max_bad_percent=101)
    with pytest.raises(InputError, match="one of the inputs"):
        read_notes(str(path), quarantine=str(path))
    assert path.read_bytes().startswith(b'{"id"')


class _Ranged(AbstractBufferedFile):
    """A file as object stores give it: fetched by ranges, with a readline that takes no limit."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        return _RangedStore.content[start:end]


class _RangedStore(AbstractFileSystem):
    protocol = "ranged"
    content = b""

    def info(self, path: str, **options: Any) -> dict[str, Any]:
        return {"name": self._strip_protocol(path), "size": len(self.content), "type": "file"}

    def ls(self, path: str, detail: bool = True, **options: Any) -> list[Any]:
        return [self.info(path)] if detail else [self._strip_protocol(path)]

    def _open(self, path: str, mode: str = "rb", **options: Any) -> _Ranged:
        return _Ranged(self, path, mode, block_size=32, size=len(self.content))


@pytest.mark.parametrize("chunk_bytes", [40, 100, 10_000])
def test_an_object_store_gives_the_rows_of_a_local_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk_bytes: int
) -> None:
    path = _write(tmp_path / "a.jsonl", [*_notes(9), b"no json", *_notes(3, start=20)])
    fsspec.register_implementation("ranged", _RangedStore, clobber=True)
    monkeypatch.setattr(_RangedStore, "content", path.read_bytes())
    local, remote = (
        [record for chunk in find_chunks(url, chunk_bytes) for record in records(chunk)]
        for url in (str(path), "ranged://a.jsonl")
    )
    assert remote == local
    assert sum(record.values is not None for record in remote) == 12
