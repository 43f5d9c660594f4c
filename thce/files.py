"""Durable local writes (temp file, fsync, rename) of text, JSON, JSON lines and Parquet."""

import glob
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from thce.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


@contextmanager
def atomic_open(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Opens a temporary neighbour of `path`; on success it is synced and renamed over it.

    A reader sees the old content or the new, never a part. On an exception `path` is untouched.
    What a killed process of this machine left of the same file is removed.

    Args:
        path: the local file to replace; its folder is created.
        mode: "w" (UTF-8 text) or "wb".

    Raises:
        OSError: it cannot be written; the error names `path`.
    """
    target = Path(path)
    temporary = target.with_name(f"{_temporary_prefix(target)}{os.getpid()}.tmp")
    encoding = None if "b" in mode else "utf-8"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        with open(temporary, mode, encoding=encoding) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _temporary_prefix(target: Path) -> str:
    return f".{target.name}.{socket.gethostname()}-"


def _remove_leftovers(target: Path) -> None:
    """Removes temporary neighbours whose process, on this machine, is gone."""
    prefix = _temporary_prefix(target)
    for path in target.parent.glob(f"{glob.escape(prefix)}*.tmp"):
        process = path.name.removeprefix(prefix).removesuffix(".tmp")
        if process.isdecimal() and not _is_alive(int(process)):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def copy_folder(source: Path, target: Path) -> None:
    """Copies every file below a folder.

    Raises:
        OSError: the first file that cannot be read or written.
    """
    for path in sorted(source.rglob("*")):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def replace_folder(source: Path, target: Path, texts: Mapping[str, str]) -> None:
    """Puts a copy of a folder, and some text files beside its own, in a folder's place.

    The copy is made beside the target and renamed, so that what lies there is whole.

    Args:
        source: what is copied.
        target: replaced, whatever it holds.
        texts: name -> content of further files.

    Raises:
        OSError: the first file that cannot be read or written.
    """
    staging = target.with_name(f".{target.name}.tmp")
    try:
        shutil.rmtree(staging, ignore_errors=True)
        copy_folder(source, staging)
        for name, text in texts.items():
            write_text(staging / name, text)
        shutil.rmtree(target, ignore_errors=True)
        staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def sync_folder(folder: Path) -> None:
    """Makes renames inside a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | Path, text: str) -> None:
    """Replaces a local text file atomically."""
    with atomic_open(path) as handle:
        handle.write(text)


def write_json(path: str | Path, value: Any) -> None:
    """Replaces a local JSON file atomically (indented, sorted keys, no NaN)."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n")


def write_jsonl(path: str | Path, rows: Iterable[dict[str, Any]]) -> int:
    """Replaces a JSON lines file atomically and returns the number of rows."""
    count = 0
    with atomic_open(path) as handle:
        for row in rows:
            handle.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")
            count += 1
    return count


def write_parquet(path: str | Path, table: "pa.Table") -> None:
    """Replaces a local Parquet file atomically."""
    import pyarrow.parquet as pq

    with atomic_open(path, "wb") as handle:
        pq.write_table(table, handle)


def read_json(path: str | Path) -> Any:
    """Reads a JSON file.

    Raises:
        InputError: it is absent or not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{path}: not valid JSON") from None


def read_jsonl(path: str | Path) -> list[dict[str, Any]]:
    """Reads JSON lines of objects; blank lines are skipped.

    Raises:
        InputError: the file is absent, or a line is not a JSON object (named by number).
    """
    rows = []
    try:
        with open(path, encoding="utf-8") as handle:
            for number, line in enumerate(handle, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except ValueError:
                    raise InputError(f"{path}:{number}: not valid JSON") from None
                if not isinstance(row, dict):
                    raise InputError(f"{path}:{number}: expected a JSON object")
                rows.append(row)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8 text") from None
    return rows


def sha256_file(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
