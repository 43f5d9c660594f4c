"""Reading a code file that the user has: the CMS alpha-numeric file, a licensed CPT file.

`thce.codes.import_layouts` knows the layouts. A row that cannot be read is reported, never guessed.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path

from thce.codes.code_types import CodeType, normalise, well_formed
from thce.codes.dates import file_date
from thce.codes.import_layouts import records
from thce.codes.table_file import Row
from thce.errors import InputError

CONTINUED, MODIFIERS = ("4",), ("7", "8")  # record ids of the CMS file
ENCODINGS = ("utf-8-sig", "cp1252")
TOO_MANY_BAD = 0.05
SHORTEST_CPT = 3  # digits that a spreadsheet leaves of 00100, the lowest code


@dataclass(frozen=True)
class Read:
    """What a file held.

    Attributes:
        rows: one per code, in the file's order.
        skipped: line number and reason of each row that was not taken.
        modifiers: modifier rows of the CMS file, which are no codes.
    """

    rows: list[Row]
    skipped: list[tuple[int, str]]
    modifiers: int


def read_code_file(path: Path, kind: CodeType) -> Read:
    """Reads a file of codes.

    Raises:
        InputError: there is no such file, it is a spreadsheet or an archive, its encoding or its
            quotes are broken, no column holds codes, it holds no code at all, or more than one
            row in twenty cannot be read.
    """
    lines = _lines(_text(path))
    rows: dict[str, Row] = {}
    skipped, modifiers, last = [], 0, ""
    for number, fields in records(path, lines):
        if fields.get("record") in MODIFIERS:
            modifiers += 1
            continue
        try:
            row = _row(fields, kind)
            if fields.get("record") in CONTINUED:
                _continue(rows, row, last)
            elif row.code in rows:
                raise ValueError(f"{row.code} stands in the file twice; the first is kept")
            else:
                rows[row.code] = row
            last = row.code
        except ValueError as error:
            skipped.append((number, str(error)))
            last = ""  # its continuations have nothing to continue
    if not rows or len(skipped) > max(TOO_MANY_BAD * (len(rows) + len(skipped)), 1):
        where = f"{path}:{skipped[0][0]}: {skipped[0][1]}" if skipped else f"{path}: no code in it"
        raise InputError(
            f"{where} ({len(rows)} codes read, {len(skipped)} rows not); see docs/codes.md"
        )
    return Read(list(rows.values()), skipped, modifiers)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if content.startswith(b"PK"):
        raise InputError(
            f"{path}: a spreadsheet or zip archive; save the sheet as CSV and give that"
        )
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _utf16(path, content)
    if b"\0" in content:
        raise InputError(f"{path}: not a text file; give CSV, tab-separated or fixed-width text")
    try:
        return content.decode(ENCODINGS[0])
    except UnicodeDecodeError:
        return content.decode(ENCODINGS[1], errors="replace")


def _utf16(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-16")
    except UnicodeDecodeError as error:
        whole = content[: error.start].decode("utf-16", errors="ignore").rstrip("\r")
        raise InputError(
            f"{path}:{len(_lines(whole + '?'))}: not UTF-16 from here on, or cut short; "
            "export the file once more"
        ) from None


def _lines(text: str) -> list[str]:
    """Lines as CSV and editors count them, each with its end, which a quoted cell keeps."""
    return list(io.StringIO(text, newline=""))


def _continue(rows: dict[str, Row], row: Row, last: str) -> None:
    """Joins a continuation to the row before it.

    Raises:
        ValueError: that row is of another code, or was skipped.
    """
    if row.code != last:
        raise ValueError(f"continues a row of {row.code} that was not taken")
    whole = f"{rows[last].description} {row.description}"
    rows[last] = replace(rows[last], description=whole)


def _row(fields: dict[str, str], kind: CodeType) -> Row:
    """A row of the table.

    Raises:
        ValueError: with the reason, in words for the user.
    """
    if "fault" in fields:
        raise ValueError(fields["fault"])
    code = normalise(fields["code"], kind)
    if kind is CodeType.CPT and code.isdigit() and len(code) >= SHORTEST_CPT:
        code = code.zfill(5)
    if not well_formed(code, kind):
        raise ValueError(f"{fields['code'][:12]!r} is not written like a {kind} code")
    description = " ".join(fields["description"].split())
    if not description:
        raise ValueError(f"{code} has no description")
    return Row(
        code,
        description,
        " ".join(fields.get("short_description", "").split()),
        file_date(fields.get("added", "")),
        file_date(fields.get("terminated", "")),
    )
