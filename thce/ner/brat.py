"""brat's standoff format: a text, and beside it a file with one annotation a line.

Whatever is not a mention (relations, events, attributes, notes, equivalences) is kept as it is, so
that a file that was read is written again byte for byte. Mentions may overlap, nest or have several
fragments. What cannot be used is refused by file and line; what is merely odd is kept and reported.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from thce.errors import InputError
from thce.files import atomic_open
from thce.ner.documents import Document, Entity

_NUMBER = "(?:0|[1-9][0-9]*)"
_SPAN = f"{_NUMBER} {_NUMBER}"
_HEADER = re.compile(rf"(\S+) ({_SPAN}(?:;{_SPAN})*)")
_KEPT = frozenset("REMAN*#")
_SHIFTS = (-1, 1, -2, 2)


@dataclass(frozen=True)
class Oddity:
    """A mention whose text is not what lies at its offsets; it is kept as the file has it.

    Attributes:
        file: the .ann file.
        line: its line, from 1.
        reason: what is odd, without the text.
    """

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


@dataclass(frozen=True)
class BratFile:
    """A document and the lines of its .ann file, mentions in their place.

    Attributes:
        document: text and mentions.
        lines: the file, line by line: an index into the mentions, or a line kept as it is.
        newline: what ends a line.
        oddities: mentions that are kept and reported.
    """

    document: Document
    lines: tuple[int | str, ...]
    newline: str = "\n"
    oddities: tuple[Oddity, ...] = ()

    def annotations(self) -> str:
        """The content of the .ann file."""
        entities = self.document.entities
        return self.newline.join(
            line if isinstance(line, str) else entity_line(entities[line]) for line in self.lines
        )


def entity_line(entity: Entity) -> str:
    """A mention as brat writes it."""
    spans = ";".join(f"{start} {end}" for start, end in entity.spans)
    return f"{entity.id}\t{entity.type} {spans}\t{entity.text}"


def text_at(text: str, spans: tuple[tuple[int, int], ...]) -> str:
    """The text of a mention: its fragments joined by a blank, line breaks as blanks."""
    return " ".join(text[start:end] for start, end in spans).replace("\n", " ")


def read_file(path: Path, types: Collection[str] | None = None) -> BratFile:
    """Reads one document.

    Args:
        path: the .ann file; the .txt lies beside it.
        types: the types that may occur; None takes any.

    Raises:
        InputError: naming file and line: not UTF-8, no or an empty text, a line that is not
            brat's, an unknown type, an id that comes twice, fragments out of order, empty or
            outside the text.
    """
    text = read_document_text(path.with_suffix(".txt"))
    content = _decoded(path)
    newline = "\r\n" if "\r\n" in content else "\n"
    lines: list[int | str] = []
    entities: list[Entity] = []
    oddities: list[Oddity] = []
    seen: set[str] = set()
    for number, line in enumerate(content.split(newline), start=1):
        where = f"{path}:{number}"
        if not line.startswith("T"):
            if line and line[0] not in _KEPT:
                raise InputError(
                    f"{where}: not a line of brat's: it begins with none of T, R, E, M, A, N, *, #"
                )
            lines.append(line)
            continue
        entity = _parse(line, where)
        _check(entity, len(text), where, types)
        if entity.id in seen:
            raise InputError(f"{where}: {entity.id} comes twice; give every mention an id")
        seen.add(entity.id)
        if text_at(text, entity.spans) != entity.text:
            oddities.append(Oddity(str(path), number, _difference(entity, text)))
        lines.append(len(entities))
        entities.append(entity)
    document = Document(path.stem, text, tuple(entities))
    return BratFile(document, tuple(lines), newline, tuple(oddities))


def read_folder(folder: str | Path, types: Collection[str] | None = None) -> list[BratFile]:
    """Reads every document of a folder, in order of their names.

    Raises:
        InputError: there is none, a text has no annotations beside it or the other way round, or
            a file is wrong (`read_file`).
    """
    path = Path(folder)
    annotated = files_of(path, ".ann")
    unannotated = {one.stem for one in files_of(path, ".txt")} - {one.stem for one in annotated}
    if unannotated:
        missing = path / f"{min(unannotated)}.ann"
        raise InputError(f"{missing}: absent; a text without mentions has an empty .ann file")
    if not annotated:
        raise InputError(f"{path}: no .ann file in it; give a folder of brat files")
    return [read_file(one, types) for one in annotated]


def files_of(folder: Path, suffix: str) -> list[Path]:
    """The files of a folder with a suffix, hidden ones left out, sorted.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix == suffix and path.is_file() and not path.name.startswith(".")
    )


def read_document_text(path: Path) -> str:
    """The text of a document, line ends as they are: brat counts every character.

    Raises:
        InputError: it is absent, not UTF-8, or has nothing but blanks.
    """
    text = _decoded(path)
    if not text.strip():
        raise InputError(f"{path}:1: the document is empty; remove it or give its text")
    return text


def write_file(path: Path, brat: BratFile) -> None:
    """Writes the .ann file and the .txt beside it, each whole or not at all."""
    with_text = path.with_suffix(".txt")
    _write_exact(with_text, brat.document.text)
    _write_exact(path, brat.annotations())


def annotations_of(entities: Collection[Entity]) -> str:
    """A new .ann file with these mentions and nothing else."""
    return "".join(f"{entity_line(entity)}\n" for entity in entities)


def _write_exact(path: Path, content: str) -> None:
    with atomic_open(path, "wb") as handle:
        handle.write(content.encode("utf-8"))


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{line}: not UTF-8 text") from None


def _parse(line: str, where: str) -> Entity:
    # The text of a mention may itself hold tabs: only the first two part the columns.
    columns = line.split("\t", 2)
    header = _HEADER.fullmatch(columns[1]) if len(columns) == 3 else None
    if header is None or not columns[0][1:].isdecimal():
        raise InputError(
            f"{where}: not a mention; expected ID, tab, TYPE START END (further fragments after "
            "semicolons), tab, text"
        )
    spans = tuple(_numbers(part) for part in header[2].split(";"))
    return Entity(columns[0], header[1], spans, columns[2])


def _numbers(part: str) -> tuple[int, int]:
    start, end = part.split(" ")
    return int(start), int(end)


def _check(entity: Entity, length: int, where: str, types: Collection[str] | None) -> None:
    if types is not None and entity.type not in types:
        raise InputError(
            f"{where}: type {entity.type!r} is unknown here; correct it, or add it to the types"
        )
    for start, end in entity.spans:
        if start >= end:
            raise InputError(f"{where}: fragment {start} {end} is empty or turned round")
        if end > length:
            raise InputError(
                f"{where}: fragment {start} {end} lies outside the text of {length} characters"
            )
    if any(end > start for (_, end), (start, _) in pairwise(entity.spans)):
        raise InputError(f"{where}: the fragments overlap or are out of order")


def _difference(entity: Entity, text: str) -> str:
    """In what way offsets and text of a mention disagree."""
    for shift in _SHIFTS:
        moved = tuple((start + shift, end + shift) for start, end in entity.spans)
        if moved[0][0] >= 0 and text_at(text, moved) == entity.text:
            return f"{entity.id}: offsets are off by {-shift}"
    found = text_at(text, entity.spans)
    if entity.text in found or found in entity.text:
        return f"{entity.id}: its text is a part of what lies at its offsets, or the reverse"
    return f"{entity.id}: its text is not what lies at its offsets"
