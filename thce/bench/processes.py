"""This process and everything it started, as /proc shows them."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _TIMES = 1, slice(11, 15)


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


def processor_seconds() -> float:
    """Processor time that the family has used so far, ended and awaited children included.

    A difference of two readings says what the work between them cost, whatever else the machine
    was doing; it holds as long as no descendant that was counted was taken over by another parent.
    """
    return sum(int(tick) for stat in family().values() for tick in stat[_TIMES]) / _TICKS
