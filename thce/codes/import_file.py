"""Reading a code file that the user has: the CMS alpha-numeric file, a licensed CPT file.

Taken are CSV, tab- or pipe-separated text with a header in any of the usual wordings, lines of
`CODE<tab or blanks>description` without one, and the fixed-width record of the CMS quarterly
file (320 characters). A row that cannot be read is reported, never guessed.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from thce.codes.code_types import CodeType, normalise, well_formed
from thce.codes.dates import file_date
from thce.codes.table_file import Row
from thce.errors import InputError

# Header wordings, in lower case with blanks and punctuation removed.
WORDINGS = {
    "code": "code hcpc hcpcs hcpcscode hcpcscd cpt cptcode procedurecode proccode",
    "description": "longdescription longdesc description desc fulldescription longdescriptor "
    "descriptor consumerfriendlydescriptor",
    "short_description": "shortdescription shortdesc shortdescriptor mediumdescription",
    "added": "adddt adddate addeddate dateadded added codeadddate effectivedate",
    "terminated": "termdt termdate terminationdate terminated deleted deletedate enddate",
    "record": "recid recordid",
}
HEADERS = {field: wordings.split() for field, wordings in WORDINGS.items()}
FIXED_RECORD = 320
FIXED = {
    "code": slice(0, 5),
    "record": slice(10, 11),
    "description": slice(11, 91),
    "short_description": slice(91, 119),
    "added": slice(268, 276),
    "terminated": slice(284, 292),
}
CONTINUED, MODIFIERS = ("4",), ("7", "8")  # record ids of the CMS file
CODE_LINE = re.compile(r"([0-9A-Za-z]{5})[\t ]+(\S.*)")
ENCODINGS = ("utf-8-sig", "cp1252")
DELIMITERS = "\t|;,"
TOO_MANY_BAD = 0.05


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
        InputError: there is no such file, it is a spreadsheet or an archive, no column holds
            codes, it holds no code at all, or more than one row in twenty cannot be read.
    """
    lines = _text(path).splitlines()
    rows: dict[str, Row] = {}
    skipped, modifiers, last = [], 0, ""
    for number, fields in _records(path, lines):
        if fields.get("record") in MODIFIERS:
            modifiers += 1
            continue
        try:
            row = _row(fields, kind)
        except ValueError as error:
            skipped.append((number, str(error)))
            continue
        if row.code == last and fields.get("record") in CONTINUED:
            whole = f"{rows[last].description} {row.description}"
            rows[last] = replace(rows[last], description=whole)
        elif row.code in rows:
            skipped.append((number, f"{row.code} stands in the file twice; the first is kept"))
        else:
            rows[row.code] = row
            last = row.code
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
        return content.decode("utf-16")
    if b"\0" in content:
        raise InputError(f"{path}: not a text file; give CSV, tab-separated or fixed-width text")
    try:
        return content.decode(ENCODINGS[0])
    except UnicodeDecodeError:
        return content.decode(ENCODINGS[1], errors="replace")


def _records(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and named fields of every row."""
    header = next((i for i, line in enumerate(lines[:50]) if _columns(line)), None)
    if header is not None:
        yield from _delimited(lines, header)
    elif any(len(line) >= FIXED_RECORD - 30 for line in lines):
        for number, line in enumerate(lines, start=1):
            if len(line) >= FIXED["terminated"].stop:
                yield number, {name: line[place].strip() for name, place in FIXED.items()}
    elif any(CODE_LINE.fullmatch(line.strip()) for line in lines):
        yield from _plain(lines)
    else:
        wordings = ", ".join(HEADERS["code"][:4])
        raise InputError(f"{path}: no column of codes; name one {wordings}, and see docs/codes.md")


def _delimited(lines: Sequence[str], header: int) -> Iterator[tuple[int, dict[str, str]]]:
    columns = _columns(lines[header])
    reader = csv.reader(lines[header + 1 :], delimiter=_delimiter(lines[header]))
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield (
                header + 1 + reader.line_num,
                {
                    name: cells[place].strip() if place < len(cells) else ""
                    for name, place in columns.items()
                },
            )


def _plain(lines: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Lines that begin with a code; a licence's lines before the first are passed over."""
    begun = False
    for number, line in enumerate(lines, start=1):
        match = CODE_LINE.fullmatch(line.strip())
        begun = begun or (match is not None and match[1][0].isdigit())
        if begun and line.strip():
            code, description = match.groups() if match else (line.strip()[:5], "")
            yield number, {"code": code, "description": description.strip()}


def _columns(line: str) -> dict[str, int]:
    """Field -> place in a header line; empty where the line is none."""
    cells = next(csv.reader([line], delimiter=_delimiter(line)), [])
    names = [re.sub(r"[^a-z]", "", cell.lower()) for cell in cells]
    places = {
        field: names.index(wording)
        for field, wordings in HEADERS.items()
        for wording in reversed(wordings)
        if wording in names
    }
    if "description" not in places and "short_description" in places:
        places["description"] = places.pop("short_description")
    return places if {"code", "description"} <= places.keys() else {}


def _delimiter(line: str) -> str:
    return max(DELIMITERS, key=line.count)


def _row(fields: dict[str, str], kind: CodeType) -> Row:
    """A row of the table.

    Raises:
        ValueError: with the reason, in words for the user.
    """
    code = normalise(fields["code"], kind)
    if kind is CodeType.CPT and code.isdigit():
        code = code.zfill(5)  # a spreadsheet drops leading zeros
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
