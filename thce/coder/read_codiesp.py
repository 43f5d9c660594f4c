"""CodiEsp's layout: text_files_en/*.txt and a table of diagnosis codes (D)."""

from collections.abc import Iterator
from pathlib import Path

from thce.coder.coded_notes import CodedNote
from thce.codes.code_types import CodeType
from thce.errors import InputError


def read_codiesp(folder: str | Path) -> Iterator[CodedNote]:
    """Case reports in English with their diagnosis codes, in the table's order.

    Some codes of the Spanish edition are not billable in ICD-10-CM: they are given as they are.

    Args:
        folder: holds `text_files_en` and one `*D.tsv` (document, tab, code).

    Raises:
        InputError: one of them is missing, or a line is not two columns.
    """
    tables = sorted(Path(folder).glob("*D.tsv"))
    texts = Path(folder) / "text_files_en"
    if len(tables) != 1 or not texts.is_dir():
        raise InputError(f"{folder}: wants one *D.tsv and a folder text_files_en")
    codes: dict[str, list[str]] = {}
    for number, line in enumerate(tables[0].read_text(encoding="utf-8").splitlines(), start=1):
        cells = line.split("\t")
        if len(cells) < 2:
            raise InputError(f"{tables[0]}:{number}: wants a document and a code")
        codes.setdefault(cells[0], []).append(cells[1].strip().upper())
    for path in sorted(texts.glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        yield CodedNote(path.stem, text, CodeType.ICD10, tuple(codes.get(path.stem, ())))
