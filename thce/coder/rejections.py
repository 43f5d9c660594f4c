"""Examples that lack reasoning or a wrong answer get the tree's."""

from collections.abc import Iterable
from dataclasses import replace

from thce.coder.code_tree import code_tree
from thce.coder.draw import Draw
from thce.coder.examples import Example
from thce.coder.official_terms import rejected_from_tree
from thce.coder.tree_reasoning import tree_reasoning
from thce.codes.code_types import CodeType


def completed(examples: Iterable[Example], seed: int) -> list[Example]:
    """The examples with reasoning and a wrong answer, without those whose code is not billable.

    Args:
        examples: of any code types.
        seed: of the wrong answers.
    """
    trees = {code_type: code_tree(code_type) for code_type in CodeType}
    whole = []
    for example in examples:
        tree = trees[example.code_type]
        row = tree.row_of.get(example.code, -1)
        if row >= 0 and tree.billable[row]:
            wrong = example.rejected or rejected_from_tree(tree, row, Draw(seed, example.id))
            steps = example.reasoning or tree_reasoning(tree).steps(row)
            whole.append(replace(example, reasoning=steps, rejected=wrong))
    return whole
