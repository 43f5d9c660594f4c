"""The layouts of code files: from lines to the named fields of each row.

A header in any of the usual wordings over CSV, tab-, pipe- or semicolon-separated text; lines of
`CODE<tab or blanks>description` without one; the fixed-width record of the CMS quarterly file
(320 characters). What the fields are worth is for `thce.codes.import_file` to say.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

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
FIXED_LINE = re.compile(r".{5}\d{5}\d")  # code, sequence number, record id
CODE_LINE = re.compile(r"([0-9A-Za-z]{5})[\t ]+(\S.*)")
DELIMITERS = "\t|;,"


def records(path: Path, lines: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and named fields of every row.

    Args:
        path: the file, for errors.
        lines: its lines, with their ends.

    Raises:
        InputError: no layout fits, or the quotes of a row do not match.
    """
    header = next((i for i, line in enumerate(lines[:50]) if _columns(line)), None)
    if header is not None:
        yield from _delimited(path, lines, header)
    elif any(len(line) >= FIXED_RECORD - 30 and FIXED_LINE.match(line) for line in lines):
        yield from _fixed(lines)
    elif any(CODE_LINE.fullmatch(line.strip()) for line in lines):
        yield from _plain(lines)
    else:
        wordings = ", ".join(HEADERS["code"][:4])
        raise InputError(f"{path}: no column of codes; name one {wordings}, and see docs/codes.md")


def _delimited(
    path: Path, lines: Sequence[str], header: int
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows under a header, each with the line it begins on; a quoted cell may have several lines.

    Raises:
        InputError: a quote is not closed, or is closed within a cell.
    """
    columns = _columns(lines[header])
    reader = csv.reader(lines[header + 1 :], delimiter=_delimiter(lines[header]), strict=True)
    while True:
        line = header + 2 + reader.line_num
        try:
            cells = next(reader, None)
        except csv.Error:
            raise InputError(
                f"{path}:{line}: the quotes of this row do not match; close or double them"
            ) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield (
                line,
                {
                    name: cells[place].strip() if place < len(cells) else ""
                    for name, place in columns.items()
                },
            )


def _fixed(lines: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Records of the CMS file; one that is cut short has its fault for a field."""
    shortest = FIXED["terminated"].stop
    for number, line in enumerate(lines, start=1):
        width = len(line.rstrip("\r\n"))
        if width >= shortest:
            yield number, {name: line[place].strip() for name, place in FIXED.items()}
        elif line.strip():
            yield number, {"fault": f"{width} characters, a record has {FIXED_RECORD}"}


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
    try:
        cells = next(csv.reader([line], delimiter=_delimiter(line)), [])
    except csv.Error:  # a licence's line, longer than any cell may be
        return {}
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
