"""One file of named numpy arrays behind a JSON header, with a SHA-256 over all of it.

Made for catalogues: read whole in milliseconds, replaced atomically, never half believed.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.files import atomic_open

MAGIC = b"thce-columns-1\n"
DIGEST = hashlib.sha256().digest_size
ALIGNMENT = 64


class DamagedFile(Exception):  # noqa: N818 - the file's state, which the caller repairs
    """The bytes are not those that were written."""


@dataclass(frozen=True)
class Texts:
    """A column of strings as one UTF-8 blob.

    Attributes:
        blob: (bytes,) uint8.
        ends: (rows + 1,) int64; row i lies between ends[i] and ends[i + 1].
    """

    blob: NDArray[np.uint8]
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, row: int) -> str:
        return self.blob[self.ends[row] : self.ends[row + 1]].tobytes().decode("utf-8")

    @staticmethod
    def of(strings: Iterable[str]) -> "Texts":
        """Packs strings in their order."""
        encoded = [string.encode("utf-8") for string in strings]
        ends = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(piece) for piece in encoded], out=ends[1:])
        return Texts(np.frombuffer(b"".join(encoded), np.uint8), ends)


def write_columns(path: Path, header: dict[str, Any], arrays: dict[str, NDArray]) -> None:
    """Replaces a file of columns atomically.

    Args:
        path: the file.
        header: what to know before the arrays; JSON.
        arrays: name -> one-dimensional array without objects.
    """
    specs, pieces, position = {}, [], 0
    for name, array in arrays.items():
        content = np.ascontiguousarray(array).tobytes()
        specs[name] = [array.dtype.str, list(array.shape), position]
        content += bytes(-len(content) % ALIGNMENT)
        pieces.append(content)
        position += len(content)
    head = json.dumps({"header": header, "arrays": specs}).encode() + b"\n"
    head += bytes(-(len(MAGIC) + DIGEST + 8 + len(head)) % ALIGNMENT)
    body = b"".join([len(head).to_bytes(8, "little"), head, *pieces])
    with atomic_open(path, "wb") as handle:
        handle.write(MAGIC + hashlib.sha256(body).digest() + body)


def read_columns(path: Path) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Reads what `write_columns` wrote; the arrays are read-only views of the file's bytes.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedFile: the checksum does not hold.
    """
    content = path.read_bytes()
    start = len(MAGIC) + DIGEST
    if not content.startswith(MAGIC) or len(content) < start + 8:
        raise DamagedFile(str(path))
    if hashlib.sha256(memoryview(content)[start:]).digest() != content[len(MAGIC) : start]:
        raise DamagedFile(str(path))
    length = int.from_bytes(content[start : start + 8], "little")
    first = start + 8 + length
    head = json.loads(content[start + 8 : first].rstrip(b"\0"))
    arrays = {}
    for name, (dtype, shape, position) in head["arrays"].items():
        count = int(np.prod(shape))
        flat = np.frombuffer(content, np.dtype(dtype), count, first + position)
        arrays[name] = flat.reshape(shape)
    return head["header"], arrays
