"""Outputs on local disk or any fsspec storage: opened whole or not at all, and what may go."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Any

import fsspec

from thce.errors import InputError
from thce.files import atomic_open
from thce.paths import is_remote, resolve


@contextmanager
def open_output(path: str, mode: str) -> Iterator[IO[Any]]:
    """Opens a file for writing; it appears, complete, when the block ends without an error.

    Args:
        path: a local path (written beside and renamed) or an fsspec URL (committed on success).
        mode: "w" (UTF-8 text) or "wb".

    Raises:
        InputError: the file cannot be written, or the disk is full; nothing of it is left.
    """
    resolved = resolve(path)
    try:
        if is_remote(resolved):
            filesystem, target = _storage(resolved)
            encoding = None if "b" in mode else "utf-8"
            with filesystem.transaction, filesystem.open(target, mode, encoding=encoding) as handle:
                yield handle
        else:
            with atomic_open(resolved, mode) as handle:
                yield handle
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{path}: cannot be written: {reason}") from None


def require_replaceable(field: str, folder: Path, names: Sequence[str]) -> None:
    """Checks that a local output folder which is replaced whole holds nothing else.

    Args:
        field: the option that named it.
        folder: the output; it may be absent or empty.
        names: patterns of what an earlier run of the same step leaves in it.

    Raises:
        InputError: something else lies there.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{field}: {folder} is a file; give a folder")
    for path in folder.iterdir():
        if not any(fnmatch(path.name, name) for name in names):
            raise InputError(f"{field}: {folder} holds something else; give a new folder")


def _storage(url: str) -> tuple[Any, str]:
    try:
        return fsspec.url_to_fs(url)
    except (ValueError, ImportError):
        raise InputError(f"{url}: no such storage is installed; give another URL") from None
