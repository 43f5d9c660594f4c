"""Reasoning for a ranked code: what the narrative says, then the way down the tree to the code."""

from thce.coder.code_tree import code_tree
from thce.coder.official_wording import in_official_words
from thce.coder.segments import segments
from thce.coder.tree_reasoning import tree_reasoning
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.codes.words import index_words

LONGEST_QUOTE = 160  # letters


def explain(narrative: str, code_type: CodeType, code: str) -> tuple[str, ...]:
    """Steps that a person can check.

    Args:
        narrative: the text that was coded.
        code_type: of the code.
        code: billable.
    """
    tree = code_tree(code_type)
    row = load_catalogue(code_type).row(code)
    own = set(index_words(tree.descriptions[row]))
    parts = [part.text.strip() for part in segments(narrative)] or [narrative.strip()]
    told = max(parts, key=lambda part: len(own & set(index_words(in_official_words(part)))))
    return (f'The note says: "{told[:LONGEST_QUOTE]}"', *tree_reasoning(tree).steps(row))
