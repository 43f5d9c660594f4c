"""The machine that a figure belongs to."""

import os
import platform
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from thce import __version__

PACKAGES = ("ray", "torch", "transformers", "deepspeed", "onnxruntime", "numpy")


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0))


def describe_machine() -> dict[str, Any]:
    """Processor, memory, load and versions, as every result states them.

    Call it before anything runs: the load average of the last minute then says how busy others
    keep the machine.
    """
    return {
        "load_before": round(os.getloadavg()[0], 2),
        "processor": _processor(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "python": ".".join(map(str, sys.version_info[:3])),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Of what is installed: a checkout is not, and no single bench needs all the others."""
    found = {"thce": __version__}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
