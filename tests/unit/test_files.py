"""Durable writes: the old content or the new, never a part."""

from pathlib import Path

import pytest

from thce.errors import InputError
from thce.files import atomic_open, read_json, read_jsonl, write_json, write_jsonl


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError), atomic_open(file) as handle:
        handle.write("half of the n")
        raise RuntimeError
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


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
