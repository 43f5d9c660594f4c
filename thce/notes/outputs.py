"""Opening an output on local disk or any fsspec storage: whole when it appears, or not there."""

from collections.abc import Iterator
from contextlib import contextmanager
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


def _storage(url: str) -> tuple[Any, str]:
    try:
        return fsspec.url_to_fs(url)
    except (ValueError, ImportError):
        raise InputError(f"{url}: no such storage is installed; give another URL") from None
