"""CodiEsp's layout: case reports with ICD-10 diagnosis codes (Miranda-Escalada et al. 2020).

A folder holds `text_files_en/ID.txt` and `<split>D.tsv` with id and code, in lower case and
without a claim's rules: some codes are categories, some belong to the Spanish edition, some are
retired. They are read as they are; what no claim may carry sets the ceiling that is reported.
"""

from collections import defaultdict
from pathlib import Path

from thce.coder.coded_rows import Narrative, TypedCode
from thce.codes.code_types import CodeType, normalise
from thce.errors import InputError
from thce.files import write_jsonl

TEXTS = "text_files_en"


def read_codiesp(folder: str | Path) -> list[Narrative]:
    """The case reports of one split with their diagnosis codes, in the order of their names.

    Raises:
        InputError: the folder has another layout.
    """
    root = Path(folder)
    tables = sorted(root.glob("*D.tsv"))
    texts = sorted((root / TEXTS).glob("*.txt"))
    if len(tables) != 1 or not texts:
        raise InputError(f"{root}: give a CodiEsp split: one <split>D.tsv beside {TEXTS}/")
    codes: dict[str, dict[TypedCode, None]] = defaultdict(dict)
    for number, line in enumerate(tables[0].read_text(encoding="utf-8").splitlines(), start=1):
        name, tab, code = line.partition("\t")
        if not tab:
            raise InputError(f"{tables[0]}:{number}: no tab between id and code")
        codes[name][CodeType.ICD10, normalise(code.split("\t")[0], CodeType.ICD10)] = None
    return [
        Narrative(
            path.stem, path.read_text(encoding="utf-8"), CodeType.ICD10, tuple(codes[path.stem])
        )
        for path in texts
        if path.stem in codes
    ]


def write_narratives(narratives: list[Narrative], output: str | Path) -> int:
    """As the JSONL that `thce coder predict` and `evaluate` read; returns the number of rows."""
    return write_jsonl(
        output,
        (
            {
                "id": one.id,
                "note_text": one.text,
                "code_type": str(one.code_type or CodeType.ICD10),
                "codes": [{"type": str(kind), "code": code} for kind, code in one.gold or ()],
            }
            for one in narratives
        ),
    )
