"""Test sets as narratives with their right codes: CodiEsp's splits, held-out official terms."""

from collections.abc import Iterable
from pathlib import Path

from thce.coder.code_tree import code_tree
from thce.coder.coded_rows import Narrative
from thce.coder.read_codiesp import read_codiesp
from thce.coder.terms import held_out_terms
from thce.codes.code_types import CodeType, normalise
from thce.files import write_jsonl


def codiesp_narratives(folder: str | Path) -> list[Narrative]:
    """The case reports of one split with their diagnosis codes (Miranda-Escalada et al. 2020).

    Some codes are categories, some belong to the Spanish edition, some are retired. They are taken
    as they are; what no claim may carry sets the ceiling that is reported.

    Raises:
        InputError: the folder has another layout.
    """
    kind = CodeType.ICD10
    return [
        Narrative(
            note.id,
            note.text,
            kind,
            tuple(dict.fromkeys((kind, normalise(code, kind)) for code in note.codes)),
        )
        for note in read_codiesp(folder)
        if note.codes
    ]


def held_out_narratives(code_type: CodeType = CodeType.ICD10) -> list[Narrative]:
    """The held-out inclusion terms of a code type, each with the one code that it stands for.

    The index that is tested must leave these terms out (`without_tested_terms=true`); no training
    source of the coder emits them.
    """
    tree = code_tree(code_type)
    return [
        Narrative(term.id, term.text, code_type, ((code_type, tree.codes[term.row]),))
        for term in held_out_terms(code_type)
    ]


def write_narratives(narratives: Iterable[Narrative], output: str | Path) -> int:
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
