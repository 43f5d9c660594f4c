"""Which files an input names, and how they are cut into chunks that are read on their own.

A plain JSONL file is cut by bytes, a Parquet file by row groups; CSV and gzip files cannot be
entered in the middle and are one chunk each. Chunks are ordered by file name and position, so
what is read does not depend on who reads which chunk.
"""

import posixpath
from dataclasses import asdict, dataclass
from typing import Any, Literal

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from thce.errors import InputError
from thce.notes.rows import TEXT_FIELDS
from thce.paths import is_remote, resolve

Kind = Literal["jsonl", "csv", "parquet"]

SUFFIXES: dict[str, Kind] = {
    ".jsonl": "jsonl",
    ".jsonl.gz": "jsonl",
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
}
QUARANTINE_NAME = "quarantine.jsonl"
CHUNK_BYTES = 2 * 1024**2
"""A second or three of hydration: small enough that all cores end together."""


@dataclass(frozen=True)
class Chunk:
    """A part of one file.

    `start` and `stop` are bytes of a JSONL file (a line belongs to the chunk where it begins) or
    row groups of a Parquet file; `stop` None reads to the end. `first_row` is the number of rows
    before a Parquet chunk.
    """

    url: str
    name: str
    kind: Kind
    zipped: bool = False
    start: int = 0
    stop: int | None = None
    first_row: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The chunk as plain values; `Chunk(**values)` is its inverse."""
        return asdict(self)


def find_chunks(path: str, chunk_bytes: int = CHUNK_BYTES) -> list[Chunk]:
    """The chunks of a file, folder, glob or fsspec URL, in reading order.

    In a folder, files of other kinds, hidden ones and `quarantine.jsonl` are passed over.

    Raises:
        InputError: nothing matches, a file is of no known kind, or a Parquet file is damaged.
    """
    resolved = resolve(path)
    try:
        filesystem, root = fsspec.url_to_fs(resolved)
        files = _matches(filesystem, root, path)
    except (OSError, ValueError, ImportError) as error:
        raise InputError(f"{path}: cannot be listed: {type(error).__name__}") from None
    chunks: list[Chunk] = []
    for file in files:
        url = filesystem.unstrip_protocol(file) if is_remote(resolved) else file
        chunks += _cut(filesystem, file, url, chunk_bytes)
    return chunks


def _matches(filesystem: Any, root: str, path: str) -> list[str]:
    if filesystem.isfile(root):
        return [root]
    if filesystem.isdir(root):
        files = [file for file in filesystem.find(root) if _is_input(file, root)]
        if not files:
            raise InputError(f"{path}: the folder holds no {', '.join(SUFFIXES)} file")
        return sorted(files)
    if any(sign in root for sign in "*?["):
        files = sorted(file for file in filesystem.glob(root) if filesystem.isfile(file))
        if not files:
            raise InputError(f"{path}: no file matches")
        return files
    raise InputError(f"{path}: no such file or folder")


def _is_input(file: str, root: str) -> bool:
    inside = file[len(root) :].strip("/").split("/")
    hidden = any(part.startswith((".", "_")) for part in inside)
    return not hidden and inside[-1] != QUARANTINE_NAME and _kind(file) is not None


def _kind(file: str) -> Kind | None:
    name = posixpath.basename(file).lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)


def _cut(filesystem: Any, file: str, url: str, chunk_bytes: int) -> list[Chunk]:
    kind = _kind(file)
    if kind is None:
        raise InputError(f"{url}: unknown kind of file; give {', '.join(SUFFIXES)}")
    zipped = file.lower().endswith(".gz")
    if kind == "parquet":
        return _row_groups(filesystem, file, url, chunk_bytes)
    if kind == "csv" or zipped:
        return [Chunk(url, url, kind, zipped)]
    size = filesystem.size(file)
    starts = range(0, max(size, 1), chunk_bytes)
    return [
        Chunk(url, url, kind, start=start, stop=min(start + chunk_bytes, size)) for start in starts
    ]


def _row_groups(filesystem: Any, file: str, url: str, chunk_bytes: int) -> list[Chunk]:
    try:
        with filesystem.open(file, "rb") as handle:
            footer = pq.ParquetFile(handle)
            metadata, names = footer.metadata, footer.schema_arrow.names
    except (pa.ArrowException, OSError):
        raise InputError(f"{url}: not a Parquet file, or a damaged one") from None
    if not set(TEXT_FIELDS) & set(names):
        raise InputError(f"{url}: no column of notes; name it {', '.join(TEXT_FIELDS)}")
    chunks: list[Chunk] = []
    first, row, first_row, size = 0, 0, 0, 0
    for group in range(metadata.num_row_groups):
        size += metadata.row_group(group).total_byte_size
        row += metadata.row_group(group).num_rows
        if size >= chunk_bytes or group == metadata.num_row_groups - 1:
            chunks.append(
                Chunk(url, url, "parquet", start=first, stop=group + 1, first_row=first_row)
            )
            first, first_row, size = group + 1, row, 0
    return chunks
