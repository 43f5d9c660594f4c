"""A disk of a few hundred kilobytes, or one that cannot be written, in a namespace of its own.

A command runs in a mount namespace where a folder is a small tmpfs; nothing outside sees it, and
it vanishes with the command. What it held is listed before that.
"""

import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from user_commands import THCE, environment

_SCRIPT = """
set -e
disk=$1 options=$2; shift 2
mount -t tmpfs -o "$options" tmpfs "$disk"
set +e
"$@"
code=$?
echo "--- left on the disk"
(cd "$disk" && find . -type f | sort)
exit $code
"""


@dataclass(frozen=True)
class Ended:
    """How a command ended on such a disk.

    Attributes:
        code: its exit code.
        stderr: what it said.
        left: the files on the disk afterwards, as relative paths.
    """

    code: int
    stderr: str
    left: list[str]


def run_on(disk: Path, options: str, *arguments: object, home: Path) -> Ended:
    """Runs `thce` where `disk` is a tmpfs with these mount options, such as `size=16k` or `ro`.

    Args:
        disk: an empty folder.
        options: of the mount.
        arguments: of `thce`.
        home: THCE_HOME.
    """
    require_mounts()
    command = [*THCE, *(str(argument) for argument in arguments)]
    done = subprocess.run(
        ["unshare", "-m", "bash", "-c", _SCRIPT, "small-disk", disk, options, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env=environment(home),
    )
    _, mark, left = done.stdout.rpartition("--- left on the disk\n")
    assert mark, f"the small disk could not be set up: {done.stderr}"
    return Ended(done.returncode, done.stderr, left.split())


def require_mounts() -> None:
    """Skips the test where this process may not mount."""
    if not _may_mount():
        pytest.skip("mounting a small disk is not allowed here (needs root)")


@cache
def _may_mount() -> bool:
    trial = ["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(trial, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
