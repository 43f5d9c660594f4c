"""The folder of a run that a second call goes on with: it belongs to what began it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thce.config import Config, dump
from thce.errors import InputError
from thce.files import read_json, write_text


def claim(file: Path, config: Config) -> None:
    """Takes a new folder for a configuration, or checks that it is the one that began the folder.

    Args:
        file: where the folder keeps its configuration.
        config: the configuration, without fields that may change in between.

    Raises:
        InputError: another configuration began the folder.
    """
    mine = dump(config)
    if not file.is_file():
        write_text(file, mine)
    elif file.read_text(encoding="utf-8") != mine:
        raise InputError(
            f"{file.parent}: another configuration began this run; give another output, or the "
            f"configuration in its {file.name}"
        )


def require_same(record: Path, made_with: Mapping[str, Any]) -> None:
    """Checks that what lies in a folder was made with what would be made now.

    Args:
        record: the JSON file in which the folder says what it was made with; without one nothing
            is known to be the same.
        made_with: by name, as JSON values.

    Raises:
        InputError: it was made with something else.
    """
    found = read_json(record) if record.is_file() else {}
    changed = [name for name in made_with if found.get(name) != made_with[name]]
    if changed:
        raise InputError(
            f"{record.parent}: this run was begun with another {', '.join(changed)}; give another "
            "output"
        )
