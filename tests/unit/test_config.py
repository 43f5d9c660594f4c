"""Configurations: unknown keys are refused, overrides apply, errors name file and field."""

from pathlib import Path

import pytest
from pydantic import Field

from thce.config import Config, dump, load
from thce.errors import InputError


class _Inner(Config):
    workers: int = 1


class _Outer(Config):
    rate: float = 0.1
    scaling: _Inner = _Inner()


def test_file_and_overrides(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("rate: 0.2\nscaling: {workers: 2}\n")
    config = load(_Outer, file, ["scaling.workers=4", "rate=3e-1"])
    assert (config.rate, config.scaling.workers) == (0.3, 4)
    file.write_text(dump(config))
    assert load(_Outer, file) == config


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        ("rat: 1", [], "rat: unknown name"),
        ("rate: fast", [], "rate:"),
        ("- 1", [], "mapping"),
        ("a: [", [], "not valid YAML"),
        ("", ["rate"], "name=value"),
        ("", ["scaling.wrkers=1"], "scaling.wrkers: unknown name"),
        ("rate: 1", ["rate.x=1"], "not a group"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, overrides: list[str], said: str) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(text)
    with pytest.raises(InputError, match=said):
        load(_Outer, file, overrides)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.yaml"):
        load(_Outer, tmp_path / "absent.yaml")


def test_thce_home_stands_for_the_folder_where_a_path_begins_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Paths(Config):
        output: str
        notes: list[str] = Field(default_factory=list)

    monkeypatch.setenv("THCE_HOME", str(tmp_path))
    file = tmp_path / "a.yaml"
    file.write_text("output: $THCE_HOME/runs\nnotes: [$THCE_HOME, $THCE_HOMES/x, a/$THCE_HOME]\n")
    read = load(Paths, file)
    assert read.output == f"{tmp_path}/runs"
    assert read.notes == [str(tmp_path), "$THCE_HOMES/x", "a/$THCE_HOME"]
    monkeypatch.delenv("THCE_HOME")
    assert load(Paths, file).output == str(Path.home() / ".thce" / "runs")
    monkeypatch.setenv("THCE_HOME", "")  # as `.env.example` ships it
    assert load(Paths, file).output == str(Path.home() / ".thce" / "runs")
