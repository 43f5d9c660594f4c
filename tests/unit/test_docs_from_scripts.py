"""docs/from-scripts.md: each name has a command, and each command is there as it is written."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from thce.cli import app

PAGE = Path(__file__).resolve().parents[2] / "docs" / "from-scripts.md"
SCRIPTS = [
    "code_validator",
    "data_quality",
    "preprocess_medical",
    "synthetic_generation",
    "data_collection",
    "generate_synthetic",
    "sft",
    "dpo",
    "validate_config",
    "validate_setup",
    "evaluate_model",
    "metrics",
    "baseline",
    "analysis",
    "generate_predictions",
    "prodigy_prepare_registry_batch",
    "prodigy_export_registry",
    "registry_data_prep",
    "label_hydrator",
    "train_roberta",
]
QUOTED = re.findall(r"`([^`]+)`", PAGE.read_text(encoding="utf-8"))
COMMANDS = [text for text in QUOTED if text.startswith("thce ")]


def test_every_script_has_a_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(SCRIPTS)


@pytest.mark.parametrize("text", COMMANDS)
def test_a_command_is_there_with_its_options(text: str) -> None:
    path, command, given = _resolve(shlex.split(text)[1:])
    options = {name: parameter for parameter in command.params for name in parameter.opts}
    assert {word for word in given if word.startswith("--")} <= set(options)
    required = {name for name, one in options.items() if one.required and name.startswith("--")}
    assert required <= set(given)
    assert CliRunner().invoke(app, [*path, "--help"]).exit_code == 0


def _resolve(words: list[str]) -> tuple[list[str], Any, list[str]]:
    """The names of the command that the first words give, itself, and what is given to it."""
    command: Any = typer.main.get_command(app)
    path = []
    while hasattr(command, "commands"):
        path.append(words.pop(0))
        command = command.commands[path[-1]]
    return path, command, words


def test_every_file_and_target_is_there(repository: Path) -> None:
    words = {word for text in QUOTED for word in text.split()}
    files = {word for word in words if word.startswith(("jobs/", "configs/"))}
    assert files
    assert {name for name in files if not (repository / name).is_file()} == set()
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    targets = {text.removeprefix("make ") for text in QUOTED if text.startswith("make ")}
    assert targets
    assert {target for target in targets if f"\n{target}: " not in makefile} == set()
