"""This process and everything it started, as /proc shows them."""

import os
from pathlib import Path

_PARENT = 1


def family() -> dict[int, list[str]]:
    """Process -> the fields of its stat after the name, for this process and its descendants."""
    fields: dict[int, list[str]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after_name = (entry / "stat").read_text().rpartition(")")[2]
            except OSError:  # it ended meanwhile
                continue
            fields[int(entry.name)] = after_name.split()
    found = {os.getpid()}
    grown = True
    while grown:
        more = {one for one, stat in fields.items() if int(stat[_PARENT]) in found} - found
        found |= more
        grown = bool(more)
    return {process: fields[process] for process in found}
