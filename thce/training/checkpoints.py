"""Checkpoints that vouch for themselves: a damaged one is named, and the one before it is used.

Every worker seals the files that it wrote: their sizes and hashes go into a file of its own beside
them. A checkpoint is whole when every worker's seal is there and holds, so one whose upload was
cut off, or that a full disk truncated, is told from a good one before anything is loaded.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from thce.errors import InputError
from thce.files import read_json, sha256_file, write_json
from thce.progress import say

KEPT = 2
"""Checkpoints of a run that are kept: the newest, and the one before it."""


def seal(folder: Path, rank: int, world_size: int) -> None:
    """Records every file below a folder that this worker filled."""
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256_file(path),
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    write_json(folder / _seal_name(rank), {"world_size": world_size, "files": files})


def damaged_file(folder: Path) -> str | None:
    """The first file of a checkpoint that is absent or not as it was written, or None."""
    rank, world_size = 0, 1
    while rank < world_size:
        name = _seal_name(rank)
        try:
            content = read_json(folder / name)
            world_size, files = int(content["world_size"]), dict(content["files"])
        except (InputError, KeyError, TypeError, ValueError):
            return name
        for file, recorded in files.items():
            path = folder / file
            if not path.is_file() or path.stat().st_size != recorded["bytes"]:
                return file
            if sha256_file(path) != recorded["sha256"]:
                return file
        rank += 1
    return None


@contextmanager
def newest_whole(
    checkpoints: Iterable[tuple[str, AbstractContextManager[str]]], *, quiet: bool = False
) -> Iterator[Path | None]:
    """The first whole checkpoint as a local folder, or None where there is none.

    Args:
        checkpoints: newest first, the name of each and a context that gives its local folder.
        quiet: whether damaged ones are passed over without a word (one worker speaks for all).
    """
    passed_over = 0
    for name, opened in checkpoints:
        with opened as folder:
            damaged = damaged_file(Path(folder))
            if damaged is None:
                yield Path(folder)
                return
        passed_over += 1
        if not quiet:
            say(
                "train",
                f"{name}/{damaged}: absent or not as it was written; trying the one before it",
            )
    if passed_over and not quiet:
        say("train", "no whole checkpoint is left; starting over")
    yield None


def _seal_name(rank: int) -> str:
    return f"sealed-{rank}.json"
