"""The folder of a run that a second call goes on with: it belongs to what began it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thce.config import Config, dump
from thce.errors import InputError
from thce.files import read_json, write_json, write_text


def claim(
    file: Path, config: Config, *, made_with: tuple[Path, Mapping[str, Any]] | None = None
) -> None:
    """Takes a new folder for a configuration, or checks that it is the one that began the folder.

    Args:
        file: where the folder keeps its configuration.
        config: the configuration, without fields that may change in between.
        made_with: a file beside it, and all else by name that what lies in the folder depends
            on, as JSON values.

    Raises:
        InputError: something else began the folder.
    """
    mine = dump(config)
    begun = file.is_file()
    if begun and file.read_text(encoding="utf-8") != mine:
        raise InputError(
            f"{file.parent}: another configuration began this run; give another output, or the "
            f"configuration in its {file.name}"
        )
    if made_with is not None:
        _claim_for(*made_with, begun=begun)
    if not begun:
        write_text(file, mine)


def _claim_for(record: Path, wanted: Mapping[str, Any], *, begun: bool) -> None:
    if not begun:
        write_json(record, wanted)
        return
    found = read_json(record) if record.is_file() else {}
    changed = [name for name in wanted if found.get(name) != wanted[name]]
    if changed:
        raise InputError(
            f"{record.parent}: this run was begun with another {', '.join(changed)}; give another "
            "output"
        )
