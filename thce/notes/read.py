"""Reading notes: every row becomes a note, or a quarantined row with its file, line and reason.

Reading goes over the input twice. The first pass (`scan_chunk`, chunk by chunk, anywhere) parses
every row and keeps 24 bytes of each: from them `plan_read` finds the repeated encounter ids of the
whole input, writes the quarantine and decides whether too much is bad, all before anyone builds on
a row. The second pass (`chunk_tables`) yields the good rows. Parsing is cheap beside whatever
happens to a note next, and in this way the result depends neither on the number of chunks nor on
who reads them: `read_notes` here and `thce.notes.read_ray` give the same rows in the same order.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce.errors import InputError
from thce.notes.chunks import CHUNK_BYTES, Chunk, find_chunks
from thce.notes.limits import MAX_BAD_PERCENT
from thce.notes.quarantine import BadRow, ReadCounts, check_limit, write_quarantine
from thce.notes.records import records
from thce.notes.rows import READ_SCHEMA, BadRowError, Note, parse_row, to_table
from thce.paths import resolve

_ROWS_PER_TABLE = 4096
_CHARACTERS_PER_TABLE = 8_000_000
_MARK = np.dtype([("id", "V16"), ("text", "V8"), ("line", np.int64)])


@dataclass(frozen=True)
class ScannedChunk:
    """What the first pass keeps of a chunk.

    `marks` has one entry a good row: hashes of id and stripped text, and the line. Lines of a
    JSONL chunk count from the chunk's first, of which it has `n_lines`.
    """

    n_lines: int
    marks: NDArray[np.void]
    bad: list[tuple[int, str]]


@dataclass(frozen=True)
class ReadPlan:
    """What the second pass reads: the chunks, and the lines of each to leave out."""

    chunks: list[Chunk]
    left_out: list[frozenset[int]]
    counts: ReadCounts
    bad: list[BadRow] = field(repr=False)


Scan = Callable[[Sequence[Chunk]], Iterable[ScannedChunk]]
"""Runs `scan_chunk` over chunks and gives the results in the order of the chunks."""


def read_notes(
    path: str, *, quarantine: str | None, max_bad_percent: float = MAX_BAD_PERCENT
) -> pa.Table:
    """Reads notes into memory, in the order of file name and line.

    Args:
        path: JSONL, CSV or Parquet (the first two also gzipped): file, folder, glob or fsspec URL.
        quarantine: where bad rows are listed; None lists them nowhere.
        max_bad_percent: the share of bad rows past which nothing is read.

    Returns:
        A table of `READ_SCHEMA`. Of rows with the same encounter id only the first is in it.

    Raises:
        InputError: nothing to read, a file is unreadable, or too many rows are bad.
    """
    plan = plan_read(path, quarantine=quarantine, max_bad_percent=max_bad_percent)
    return pa.concat_tables([READ_SCHEMA.empty_table(), *plan_tables(plan)])


def plan_read(
    path: str,
    *,
    quarantine: str | None,
    max_bad_percent: float = MAX_BAD_PERCENT,
    chunk_bytes: int = CHUNK_BYTES,
    scan: Scan | None = None,
) -> ReadPlan:
    """The first pass: scans the input, writes the quarantine, decides whether to go on.

    Args:
        path: see `read_notes`.
        quarantine: see `read_notes`.
        max_bad_percent: see `read_notes`.
        chunk_bytes: size of the chunks that big files are cut into.
        scan: how the chunks are scanned; None scans them here, one after the other.

    Raises:
        InputError: see `read_notes`.
    """
    if not 0 <= max_bad_percent <= 100:
        raise InputError(f"max_bad: {max_bad_percent:g} is no percentage; give 0 to 100")
    chunks = find_chunks(path, chunk_bytes)
    if quarantine is not None and resolve(quarantine) in {chunk.name for chunk in chunks}:
        raise InputError(f"quarantine: {quarantine} is one of the inputs; give another path")
    scanned = list(scan(chunks) if scan else map(scan_chunk, chunks))
    plan = _plan(chunks, scanned)
    if quarantine is not None:
        write_quarantine(quarantine, plan.bad)
    check_limit(path, plan.counts, plan.bad, max_bad_percent, quarantine)
    return plan


def plan_tables(plan: ReadPlan) -> Iterator[pa.Table]:
    """The second pass: the planned notes as tables of some thousand rows, in order."""
    for chunk, left_out in zip(plan.chunks, plan.left_out, strict=True):
        yield from chunk_tables(chunk, left_out)


def chunk_tables(chunk: Chunk, left_out: frozenset[int]) -> Iterator[pa.Table]:
    """The good notes of one chunk, without the lines to leave out."""
    notes: list[Note] = []
    characters = 0
    for record in records(chunk):
        if record.values is None or record.line in left_out:
            continue
        try:
            notes.append(parse_row(record.values))
        except BadRowError:
            continue
        characters += len(notes[-1].note_text)
        if len(notes) == _ROWS_PER_TABLE or characters >= _CHARACTERS_PER_TABLE:
            yield to_table(notes)
            notes, characters = [], 0
    if notes:
        yield to_table(notes)


def scan_chunk(chunk: Chunk) -> ScannedChunk:
    """The first pass over one chunk.

    Raises:
        InputError: the file as a whole cannot be read.
    """
    marks: list[tuple[bytes, bytes, int]] = []
    bad: list[tuple[int, str]] = []
    n_lines = 0
    for record in records(chunk):
        n_lines = record.line
        reason = record.reason
        if record.values is not None:
            try:
                note = parse_row(record.values)
                marks.append((_hash(note.encounter_id, 16), _text_hash(note), record.line))
            except BadRowError as error:
                reason = str(error)
        if reason is not None:
            bad.append((record.line, reason))
    return ScannedChunk(n_lines, np.array(marks, dtype=_MARK), bad)


def _text_hash(note: Note) -> bytes:
    return _hash(note.note_text.strip(), 8)


def _hash(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=size).digest()


def _plan(chunks: list[Chunk], scanned: list[ScannedChunk]) -> ReadPlan:
    offsets = _line_offsets(chunks, scanned)
    bad = [
        BadRow(chunk.name, offset + line, reason)
        for chunk, offset, part in zip(chunks, offsets, scanned, strict=True)
        for line, reason in part.bad
    ]
    left_out, repeats, duplicates = _repeats(chunks, offsets, scanned)
    good = sum(len(part.marks) for part in scanned)
    counts = ReadCounts(
        rows=good + len(bad),
        read=good - len(repeats),
        bad=len(bad) + len(repeats) - duplicates,
        duplicates=duplicates,
    )
    return ReadPlan(chunks, left_out, counts, sorted(bad + repeats))


def _line_offsets(chunks: list[Chunk], scanned: list[ScannedChunk]) -> list[int]:
    """How many lines of its file lie before each chunk."""
    offsets: list[int] = []
    before = 0
    for index, chunk in enumerate(chunks):
        if index and chunk.name == chunks[index - 1].name and chunk.kind == "jsonl":
            before += scanned[index - 1].n_lines
        else:
            before = 0
        offsets.append(before)
    return offsets


def _repeats(
    chunks: list[Chunk], offsets: list[int], scanned: list[ScannedChunk]
) -> tuple[list[frozenset[int]], list[BadRow], int]:
    """Rows whose encounter id came before.

    Returns:
        The lines to leave out, by chunk; a quarantine entry for each; how many of them repeat the
        text as well and are therefore not bad.
    """
    marks = np.concatenate([part.marks for part in scanned])
    owner = np.repeat(np.arange(len(chunks)), [len(part.marks) for part in scanned])
    _, first, inverse = np.unique(marks["id"], return_index=True, return_inverse=True)
    original = first[inverse]
    left_out: list[set[int]] = [set() for _ in chunks]
    repeats: list[BadRow] = []
    duplicates = 0
    for position in np.flatnonzero(original != np.arange(len(marks))):
        index, earlier = int(owner[position]), int(original[position])
        line = int(marks["line"][position])
        same = bool(marks["text"][position] == marks["text"][earlier])
        before = int(owner[earlier])
        where = f"{chunks[before].name}:{offsets[before] + int(marks['line'][earlier])}"
        reason = f"the encounter id and the text of {where} again"
        if not same:
            reason = f"the encounter id of {where} with another text"
        left_out[index].add(line)
        repeats.append(BadRow(chunks[index].name, offsets[index] + line, reason))
        duplicates += same
    return [frozenset(lines) for lines in left_out], repeats, duplicates
