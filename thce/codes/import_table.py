"""`thce codes import`: the user's file becomes the catalogue of its type, at once and whole."""

import datetime
from pathlib import Path
from typing import Any

from thce.codes.code_types import CodeType
from thce.codes.entries import Source, day_date
from thce.codes.import_file import Read, read_code_file
from thce.codes.load import imported_table, load_catalogue
from thce.codes.table_file import Row, format_table
from thce.errors import InputError
from thce.files import write_jsonl, write_text

LICENCES = {
    CodeType.HCPCS: "public domain (CMS)",
    CodeType.CPT: "licensed by the user from the AMA; not to be passed on",
}


def import_codes(
    path: Path, kind: CodeType, version: str | None, effective: datetime.date | None
) -> dict[str, Any]:
    """Reads a code file and makes it the catalogue of its type.

    Args:
        path: the file; see `thce.codes.import_file` for the layouts.
        kind: CPT or HCPCS.
        version: the release's name; by default the file's.
        effective: the release's date; by default the latest date on which a code was added, or
            today where the file has no dates.

    Raises:
        InputError: the file cannot be read, or ICD-10-CM was asked for.
    """
    if kind not in LICENCES:
        raise InputError("--type: ICD10 comes with the package; import CPT or HCPCS")
    read = read_code_file(path, kind)
    latest = effective.isoformat() if effective else _latest(read.rows)
    source = Source(
        kind,
        " ".join((version or path.stem).split()),
        latest,
        path.name,
        LICENCES[kind],
        complete=True,
    )
    target = imported_table(kind)
    write_text(target, format_table(source, read.rows))
    quarantine = target.with_suffix(".skipped.jsonl")
    write_jsonl(quarantine, ({"line": line, "reason": why} for line, why in read.skipped))
    return _report(read, source, target, quarantine)


def _report(read: Read, source: Source, target: Path, quarantine: Path) -> dict[str, Any]:
    catalogue = load_catalogue(source.code_type)
    return {
        "code_type": source.code_type.value,
        "version": source.version,
        "effective": source.effective,
        "codes": len(read.rows),
        "billable": int(catalogue.current.sum()),
        "terminated": sum(1 for row in read.rows if row.terminated),
        "modifiers": read.modifiers,
        "skipped": len(read.skipped),
        "skipped_rows": str(quarantine),
        "table": str(target),
    }


def _latest(rows: list[Row]) -> str:
    day = max(row.added for row in rows)
    if not day:
        return datetime.date.today().isoformat()
    return day_date(day).isoformat()
