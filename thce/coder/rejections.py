"""Examples that lack reasoning or a wrong answer get the tree's."""

from dataclasses import replace

from thce.coder.code_tree import code_tree
from thce.coder.draw import Draw
from thce.coder.examples import Example
from thce.coder.official_terms import rejected_from_tree
from thce.coder.tree_reasoning import tree_reasoning


def with_rejection(example: Example, seed: int) -> Example:
    """The example with reasoning and a wrong answer; as it is where its code is not billable."""
    tree = code_tree(example.code_type)
    row = tree.row_of.get(example.code, -1)
    if row < 0 or not tree.billable[row]:
        return example
    return replace(
        example,
        reasoning=example.reasoning or tree_reasoning(tree).steps(row),
        rejected=example.rejected or rejected_from_tree(tree, row, Draw(seed, example.id)),
    )
