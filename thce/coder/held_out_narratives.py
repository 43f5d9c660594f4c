"""Held-out official terms as narratives: a term in, its code out.

The index that is tested must leave these terms out (`without_tested_terms=true`); no training
source of the coder emits them.
"""

from thce.coder.code_tree import code_tree
from thce.coder.coded_rows import Narrative
from thce.coder.terms import held_out_terms
from thce.codes.code_types import CodeType


def held_out_narratives(code_type: CodeType = CodeType.ICD10) -> list[Narrative]:
    """The held-out inclusion terms of a code type, each with the one code that it stands for."""
    tree = code_tree(code_type)
    return [
        Narrative(term.id, term.text, code_type, ((code_type, tree.codes[term.row]),))
        for term in held_out_terms(code_type)
    ]
