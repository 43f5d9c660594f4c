"""Which notes of an input are still to be scored, and whether it is still the same input."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import fsspec
import numpy as np

from thce.files import sha256_file
from thce.notes.chunks import Chunk
from thce.notes.read import ReadPlan, ScannedChunk
from thce.paths import is_remote


def input_fingerprint(chunks: Sequence[Chunk]) -> str:
    """A hash of the input's files in reading order; where they lie does not matter.

    Local files count by their content, remote ones by what the storage vouches for (size, time
    or checksum), which costs no second transfer.
    """
    digest = hashlib.sha256()
    for url, kind in dict.fromkeys((chunk.url, chunk.kind) for chunk in chunks):
        if is_remote(url):
            filesystem, path = fsspec.url_to_fs(url)
            mark = str(filesystem.ukey(path))
        else:
            mark = sha256_file(url)
        digest.update(f"{kind} {mark}\n".encode())
    return digest.hexdigest()


def without_first(plan: ReadPlan, scanned: Sequence[ScannedChunk], rows: int) -> ReadPlan:
    """The plan without the first `rows` good notes of its order.

    Args:
        plan: what `plan_read` made.
        scanned: the first pass over the plan's chunks, in their order.
        rows: how many to leave out, at most all.
    """
    chunks: list[Chunk] = []
    left_out: list[frozenset[int]] = []
    for chunk, lines, part in zip(plan.chunks, plan.left_out, scanned, strict=True):
        good = np.setdiff1d(part.marks["line"], np.fromiter(lines, np.int64, len(lines)))
        skipped = good[:rows]
        rows -= len(skipped)
        if len(skipped) < len(good):
            chunks.append(chunk)
            left_out.append(lines | frozenset(skipped.tolist()))
    return replace(plan, chunks=chunks, left_out=left_out)
