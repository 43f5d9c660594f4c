"""Small reads and whole-object writes, the same on local disk and on any fsspec storage."""

import errno
import os
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from thce.errors import InputError
from thce.files import atomic_open, sync_folder
from thce.paths import is_remote

OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Protocols of storage without folders, where to make one makes a misspelt bucket instead."""


class Remote:
    """A folder on fsspec storage (`s3://...`, `gs://...`, `memory://...`)."""

    def __init__(self, url: str) -> None:
        """Connects to the storage that the URL names.

        Raises:
            InputError: the storage's fsspec package is not installed, or the URL is wrong.
        """
        from fsspec.core import url_to_fs

        self.url = url.rstrip("/")
        try:
            self.filesystem, self.root = url_to_fs(self.url)
        except (ImportError, ValueError) as error:
            raise InputError(f"{url}: {error}") from None

    def read(self, name: str) -> bytes:
        """The bytes of one object below the folder.

        Raises:
            FileNotFoundError: there is none.
        """
        content: bytes = self._call("cat_file", f"{self.root}/{name}")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Puts one object, whole or not at all as far as the storage allows."""
        target = f"{self.root}/{name}"
        self._make_folder(target.rpartition("/")[0])
        self._put("pipe_file", target, content)

    def holds(self, name: str) -> bool:
        """Whether there is such an object below the folder."""
        return bool(self._call("exists", f"{self.root}/{name}"))

    def remove(self, name: str) -> None:
        """Deletes one object below the folder, if it is there."""
        with suppress(FileNotFoundError):
            self._call("rm_file", f"{self.root}/{name}")

    def upload(self, local: Path, name: str) -> None:
        """Puts a local file below the folder."""
        target = f"{self.root}/{name}"
        self._make_folder(target.rpartition("/")[0])
        self._put("put_file", str(local), target)

    def download(self, name: str, local: Path) -> None:
        """Fetches one object into a local file."""
        local.parent.mkdir(parents=True, exist_ok=True)
        self._call("get_file", f"{self.root}/{name}", str(local))

    def _make_folder(self, folder: str) -> None:
        if self.url.partition("://")[0] not in OBJECT_STORES:
            self._call("makedirs", folder, exist_ok=True)

    def _put(self, method: str, *args: Any) -> None:
        try:
            self._call(method, *args)
        except FileNotFoundError:
            raise InputError(f"{self.url}: no such bucket; make it, or correct the name") from None

    def _call(self, method: str, *args: Any, **options: Any) -> Any:
        try:
            return getattr(self.filesystem, method)(*args, **options)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise InputError(f"{self.url}: {method} failed: {error}") from None


def read_bytes(folder: str, name: str) -> bytes | None:
    """The bytes of `name` below a local or remote folder; None where there is none.

    Raises:
        InputError: it is there and cannot be read.
    """
    try:
        if is_remote(folder):
            return Remote(folder).read(name)
        return (Path(folder) / name).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(f"{folder}/{name}: {error.strerror}") from None


def write_bytes(folder: str, name: str, content: bytes) -> None:
    """Replaces `name` below a local or remote folder, whole or not at all.

    Raises:
        InputError: it cannot be written there.
    """
    if is_remote(folder):
        Remote(folder).write(name, content)
        return
    try:
        with atomic_open(Path(folder) / name, "wb") as handle:
            handle.write(content)
    except OSError as error:
        raise InputError(f"{folder}/{name}: cannot be written: {error.strerror}") from None


def exists(path: str) -> bool:
    """Whether a local path or a remote object is there."""
    if is_remote(path):
        folder, _, name = path.rpartition("/")
        return Remote(folder).holds(name)
    return Path(path).exists()


def remove(folder: str, name: str) -> None:
    """Deletes `name` below a local or remote folder, if it is there."""
    if is_remote(folder):
        Remote(folder).remove(name)
    else:
        (Path(folder) / name).unlink(missing_ok=True)


def beside(target: Path) -> Path:
    """A name of its own next to `target`, where a folder is filled before it is settled there.

    The folder is made when its first file is, with the permissions that any new folder has.
    """
    return target.with_name(f".{target.name}.{uuid4().hex[:8]}.tmp")


def settle(temporary: Path, target: Path) -> bool:
    """Makes a finished folder durable and gives it its final name in one step.

    Returns:
        True when it now stands at `target`; False when something already stood there, which is
        then left as it is.
    """
    for path in [*temporary.rglob("*"), temporary]:
        if path.is_dir():
            sync_folder(path)
        else:
            with open(path, "rb") as handle:
                os.fsync(handle.fileno())
    try:
        temporary.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            return False
        raise
    sync_folder(target.parent)
    return True
