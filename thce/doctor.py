"""Checks of the set-up: each with what was found and, where it fails, what to do."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from thce.errors import Finding
from thce.paths import home

NEEDED_MEMORY = 6 * 1024**3
NEEDED_DISK = 4 * 1024**3


@dataclass(frozen=True)
class Check:
    """One part of the set-up."""

    name: str
    ok: bool
    found: str
    remedy: str


def run(as_json: bool) -> None:
    """Runs every check and prints it.

    Raises:
        Finding: at least one check failed.
    """
    results = [check() for check in CHECKS]
    if as_json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        for result in results:
            print(f"{'ok  ' if result.ok else 'FAIL'} {result.name}: {result.found}")
            if not result.ok:
                print(f"     -> {result.remedy}")
    failed = [result.name for result in results if not result.ok]
    if failed:
        raise Finding(f"doctor: {len(failed)} of {len(results)} checks failed: {', '.join(failed)}")


def python() -> Check:
    """The interpreter's version."""
    found = ".".join(map(str, sys.version_info[:3]))
    return Check(
        "python",
        (3, 11) <= sys.version_info[:2] <= (3, 12),
        found,
        "install Python 3.11 or 3.12 with venv (Debian: apt-get install python3 python3-venv)",
    )


def compiler() -> Check:
    """DeepSpeed compiles a small op at first use."""
    found = shutil.which("g++") or shutil.which("c++")
    return Check(
        "compiler",
        found is not None,
        found or "no g++",
        "install a C++ compiler (Debian: apt-get install g++)",
    )


def packages() -> Check:
    """Installed versions against what this package asks for."""
    from packaging.requirements import Requirement

    wrong = []
    for line in importlib.metadata.requires("thce") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            wrong.append(f"{requirement.name} missing")
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(f"{requirement.name} {version}")
    return Check(
        "packages",
        not wrong,
        ", ".join(wrong) or "as pyproject.toml asks",
        "pip install -e . -c constraints.txt",
    )


def memory() -> Check:
    """Memory that the demo needs."""
    free = _available_memory()
    return Check(
        "memory",
        free >= NEEDED_MEMORY,
        f"{free / 1024**3:.1f} GiB available",
        f"free at least {NEEDED_MEMORY / 1024**3:.0f} GiB, or lower batch sizes and workers",
    )


def disk() -> Check:
    """Disk under THCE_HOME."""
    folder = home()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    return Check(
        "disk",
        free >= NEEDED_DISK and os.access(folder, os.W_OK),
        f"{free / 1024**3:.1f} GiB free under {home()}",
        "set THCE_HOME to a writable folder with more room",
    )


def weights() -> Check:
    """The default encoder's weights."""
    from thce.training.weights import is_fetched, weights_folder

    fetched = is_fetched("minilm")
    return Check(
        "weights",
        fetched,
        str(weights_folder("minilm")) if fetched else "minilm is not in the cache",
        "thce weights fetch minilm",
    )


def ray() -> Check:
    """Whether Ray starts here and answers a task, in a process of its own."""
    script = (
        "from thce.engine import start_ray; import ray; r = start_ray(cpus=1);"
        "f = ray.remote(lambda: 1); assert ray.get(f.remote()) == 1; print(ray.__version__)"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False
        )
        ok, lines = done.returncode == 0, (done.stdout if not done.returncode else done.stderr)
    except subprocess.TimeoutExpired:
        ok, lines = False, "no answer in 120 s"
    found = (lines.strip().splitlines() or ["no output"])[-1]
    return Check(
        "ray",
        ok,
        found,
        "look at /tmp/ray/session_latest/logs; unset RAY_ADDRESS if it names a stopped cluster",
    )


def _available_memory() -> int:
    """Bytes that can be had: the machine's and, where lower, the control group's limit."""
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("MemAvailable:"):
            available = int(line.split()[1]) * 1024
    limit = Path("/sys/fs/cgroup/memory.max")
    used = Path("/sys/fs/cgroup/memory.current")
    if limit.is_file() and used.is_file() and limit.read_text().strip() != "max":
        available = min(available, int(limit.read_text()) - int(used.read_text()))
    return available


CHECKS: tuple[Callable[[], Check], ...] = (
    python,
    compiler,
    packages,
    memory,
    disk,
    weights,
    ray,
)
