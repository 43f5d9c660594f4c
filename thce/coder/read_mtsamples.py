"""MTSamples' layout: mtsamples.csv. It has no codes; a column of one's own may add them."""

from collections.abc import Iterator
from pathlib import Path

from thce.coder.coded_notes import CodedNote, Refused
from thce.coder.csv_tables import table_rows
from thce.codes.code_types import CodeType

EMPTY = "row without a transcription"


def read_mtsamples(path: str | Path, code_type: CodeType, refused: Refused) -> Iterator[CodedNote]:
    """The transcriptions, with the codes of a `codes` column where the user added one.

    Args:
        path: mtsamples.csv (transcription; a first column without a name numbers the rows).
        code_type: of the added codes, separated by blanks, commas or semicolons.
        refused: counts what is not taken.

    Raises:
        InputError: the table cannot be read.
    """
    for number, row in enumerate(table_rows(path, ("transcription",))):
        text = row.get("transcription", "")
        if not text.strip():
            refused.reasons[EMPTY] += 1
            continue
        codes = row.get("codes", "").replace(",", " ").replace(";", " ").split()
        yield CodedNote(f"mtsamples:{row.get('') or number}", text, code_type, tuple(codes))
