"""MIMIC's layout: NOTEEVENTS joined with the diagnosis table by admission.

MIMIC-III's DIAGNOSES_ICD holds ICD-9 codes only: they are refused by name and counted. Tables with
`icd_code` and `icd_version`, as MIMIC-IV has them, give their ICD-10 rows.
"""

from collections.abc import Iterator
from pathlib import Path

from thce.coder.coded_notes import CodedNote, Refused
from thce.coder.csv_tables import table_rows
from thce.codes.code_types import CodeType
from thce.errors import InputError

ICD9 = "ICD-9 diagnosis row"
NO_CODE = "note without an ICD-10 diagnosis"
IN_ERROR = "note marked as an error"
CATEGORIES = ("discharge summary",)


def read_mimic(notes: str | Path, diagnoses: str | Path, refused: Refused) -> Iterator[CodedNote]:
    """Discharge summaries with the ICD-10 codes of their admission.

    Args:
        notes: NOTEEVENTS.csv (HADM_ID, TEXT, and where present ROW_ID, CATEGORY, ISERROR) or a
            notes table with hadm_id and text.
        diagnoses: a table with HADM_ID, SEQ_NUM and ICD9_CODE, or with hadm_id, seq_num, icd_code
            and icd_version.
        refused: counts what is not taken.

    Raises:
        InputError: a table is not readable, or it holds ICD-9 codes only.
    """
    codes = _codes(diagnoses, refused)
    if not codes:
        raise InputError(
            f"{diagnoses}: holds no ICD-10 code ({refused.reasons[ICD9]} ICD-9 rows refused); the "
            "coder codes ICD-10-CM: give a table with icd_code and icd_version, as MIMIC-IV has"
        )
    for number, row in enumerate(table_rows(notes, ("hadm_id", "text")), start=1):
        if row.get("iserror", "").strip() == "1":
            refused.reasons[IN_ERROR] += 1
        elif row.get("category", CATEGORIES[0]).strip().lower() in CATEGORIES:
            of_admission = codes.get(_number(row["hadm_id"]), ())
            if of_admission:
                name = row.get("row_id") or row.get("note_id") or str(number)
                yield CodedNote(f"mimic:{name}", row["text"], CodeType.ICD10, of_admission)
            else:
                refused.reasons[NO_CODE] += 1


def _codes(diagnoses: str | Path, refused: Refused) -> dict[str, tuple[str, ...]]:
    """Admission -> its ICD-10 codes by rank."""
    ranked: dict[str, list[tuple[int, str]]] = {}
    for row in table_rows(diagnoses, ("hadm_id", "seq_num")):
        if row.get("icd_version", "9").strip() != "10":
            refused.reasons[ICD9] += 1
            continue
        rank = row["seq_num"].strip()
        place = int(rank) if rank.isdecimal() else len(ranked)
        ranked.setdefault(_number(row["hadm_id"]), []).append((place, row["icd_code"].strip()))
    return {name: tuple(code for _, code in sorted(found)) for name, found in ranked.items()}


def _number(text: str) -> str:
    """An admission's number as the other table spells it: some exports write 123.0."""
    return text.strip().removesuffix(".0")
