"""Configurations that are none, and a command's one line about input that it cannot use.

The entry point is called in this process, as a process for each command would take minutes.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from thce.cli import main

CONFIGS = {
    "absent.yaml": "absent.yaml: No such file",
    "dir": "dir: Is a directory",
    "bin.yaml": "bin.yaml: not UTF-8",
    "list.yaml": "list.yaml: a configuration is a mapping",
    "bad.yaml": "bad.yaml: not valid YAML",
    "unknown.yaml": "learnin_rate: unknown name",
    "empty.yaml": "field required",
}
"""What is said of each, where a step has a field without a default."""

OPTIONS = {
    "no value": (["--set", "nonsense"], "override 'nonsense': write it as name=value"),
    "no YAML": (["--set", "output=[1"], "the value is not valid YAML"),
    "unknown field": (["--set", "no_such_field=1"], "no_such_field: unknown name"),
    "unknown option": (["--nope"], "No such option: --nope"),
    "extra": (["extra"], "unexpected extra argument"),
}
"""What is said of each; every step takes `--set`."""

_YAML = {
    "empty.yaml": b"",
    "bin.yaml": b"\xff\xfe\x00",
    "list.yaml": b"- 1\n",
    "bad.yaml": b"a: [1\n",
    "unknown.yaml": b"learnin_rate: 3\n",
}


def write_wrong_files(folder: Path, contents: Mapping[str, bytes]) -> None:
    """The files of `CONFIGS`, an empty folder `dir`, and files of the test's own."""
    for name, content in (_YAML | dict(contents)).items():
        (folder / name).write_bytes(content)
    (folder / "dir").mkdir()


def said_by(
    arguments: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """The one line that the command ended with."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("THCE_HOME", str(folder / "home"))
    monkeypatch.setattr(sys, "argv", ["thce", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    assert ended.value.code == 2, captured.err
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("thce: ")
    assert captured.out == ""
    return lines[0]
