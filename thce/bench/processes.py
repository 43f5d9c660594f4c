"""This process and everything it started, as /proc shows them."""

import os
from pathlib import Path

_PARENT = 1
"""Which field of a process's stat, after its name, is its parent."""


def family() -> set[int]:
    """The ids of this process and its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                after_name = (entry / "stat").read_text().rpartition(")")[2]
            except OSError:  # it ended meanwhile
                continue
            parents[int(entry.name)] = int(after_name.split()[_PARENT])
    found = {os.getpid()}
    grown = True
    while grown:
        more = {one for one, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return found
