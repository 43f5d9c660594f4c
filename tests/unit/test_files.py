"""Durable writes: the old content or the new, never a part."""

import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from thce.errors import InputError, input_error
from thce.files import (
    atomic_open,
    read_json,
    read_jsonl,
    replace_folder,
    write_json,
    write_jsonl,
    write_parquet,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError), atomic_open(file) as handle:
        handle.write("half of the n")
        raise RuntimeError
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_an_error_that_says_more_than_a_number_keeps_its_words(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a Parquet file"), atomic_open(tmp_path / "a"):
        raise OSError("not a Parquet file")


def test_json_lines_round_trip(tmp_path: Path) -> None:
    rows = [{"text": "naïve\nline", "n": 1}, {"text": "", "n": None}]
    assert write_jsonl(tmp_path / "deep" / "a.jsonl", rows) == 2
    assert read_jsonl(tmp_path / "deep" / "a.jsonl") == rows


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": 1}\n{"a":\n', ":2: not valid JSON"),
        (b"[1]\n", ":1: expected"),
        (b"\xff\n", "UTF-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_jsonl(tmp_path / "a.jsonl")


def test_nan_is_not_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert not (tmp_path / "a.json").exists()
    with pytest.raises(InputError):
        read_json(tmp_path / "a.json")


def test_a_table_that_is_not_written_leaves_the_old_parquet(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "a.parquet"
    write_parquet(file, pa.table({"n": [1, 2]}))
    unwritable = pa.table(
        {"n": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])}
    )
    with pytest.raises(pa.ArrowNotImplementedError):
        write_parquet(file, unwritable)
    assert pq.read_table(file)["n"].to_pylist() == [1, 2]
    assert list(file.parent.iterdir()) == [file]


KILLED_WRITER = """
import os, signal, sys
from thce.files import atomic_open
with atomic_open(sys.argv[1]) as handle:
    handle.write("half")
    handle.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_removed_by_the_next_one(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    writer = subprocess.Popen([sys.executable, "-c", KILLED_WRITER, str(file)])
    assert writer.wait() == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a.txt.")
    assert left.read_text() == "half"
    other = tmp_path / left.name.replace(f"-{writer.pid}", f"-{os.getppid()}")
    other.write_text("of a writer that is at work")
    write_text(file, "whole")
    assert sorted(tmp_path.iterdir()) == sorted([file, other])


def test_a_full_disk_is_said_with_the_file_and_what_to_do(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        with pytest.raises(OSError) as refused:
            write_text(tmp_path / "a.txt", "more than ten bytes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    said = str(input_error(refused.value))
    assert said.startswith(f"{tmp_path}/a.txt: File too large; free space and run the same")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    source, target = tmp_path / "new", tmp_path / "out"
    (source / "model").mkdir(parents=True)
    (source / "model" / "a.json").write_text("new")
    target.mkdir()
    (target / "old.json").write_text("old")
    with pytest.raises(FileExistsError):
        replace_folder(source, target, {"model/a.json/b.yaml": "x"})
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["a.json", "old.json"]
    replace_folder(source, target, {"config.yaml": "a: 1\n"})
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == {
        "model/a.json",
        "config.yaml",
    }
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "out"]
