"""Source: official terms, each with the tree's reasoning and a wrong answer from its tree."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from thce.coder.code_tree import CodeTree, code_tree
from thce.coder.draw import Draw
from thce.coder.examples import Example, Rejected
from thce.coder.held_out_terms import SHARE
from thce.coder.terms import Term, training_terms
from thce.coder.tree_reasoning import tree_reasoning
from thce.coder.wrong_codes import wrong_codes
from thce.coder.wrong_reasoning import wrong_steps
from thce.codes.code_types import CodeType

NAME = "official_terms"


class OfficialTerms:
    """Every billable code's description and inclusion terms, without the held-out ones.

    An example depends on the seed and its term alone.
    """

    def __init__(
        self,
        code_types: Sequence[CodeType] = tuple(CodeType),
        seed: int = 0,
        held_out_share: float = SHARE,
        codes: frozenset[tuple[CodeType, str]] | None = None,
    ) -> None:
        """Lists the terms.

        Args:
            code_types: which catalogues.
            seed: of the wrong answers.
            held_out_share: of inclusion terms that are left out.
            codes: keep to these; None takes all.
        """
        self.seed = seed
        self.terms: list[tuple[CodeTree, Term]] = []
        for code_type in code_types:
            tree = code_tree(code_type)
            self.terms += [
                (tree, term)
                for term in training_terms(code_type, held_out_share)
                if codes is None or (code_type, tree.codes[term.row]) in codes
            ]

    def __len__(self) -> int:
        return len(self.terms)

    def families(self) -> NDArray[np.str_]:
        """For each place the code type and the first three characters of the code."""
        return np.array(
            [f"{tree.code_type}:{tree.codes[term.row][:3]}" for tree, term in self.terms]
        )

    def examples(self, places: Iterable[int], stage: int = 3) -> list[Example]:
        """The examples at places from 0 to `len(self)` - 1; a wrong answer for stage 3 only."""
        return [self._example(*self.terms[place], stage) for place in places]

    def _example(self, tree: CodeTree, term: Term, stage: int) -> Example:
        code, description = tree.codes[term.row], tree.descriptions[term.row]
        steps = tree_reasoning(tree).steps(term.row)
        if term.official:
            steps = (f'"{term.official}" is an official term of {code}', *steps)
        return Example(
            f"{NAME}:{tree.code_type.value}:{term.id}",
            term.text,
            tree.code_type,
            code,
            description,
            steps,
            NAME,
            rejected_from_tree(tree, term.row, Draw(self.seed, term.id)) if stage == 3 else None,
        )


def rejected_from_tree(
    tree: CodeTree, row: int, draw: Draw, before: tuple[str, ...] = ()
) -> Rejected:
    """A wrong answer to a code, with the steps that lead to it.

    Two in three walk down the tree as the right answer's steps do, for a preference that only
    sees long against short would learn nothing of codes; the others tell a coder's shortcut.

    Args:
        tree: of the code.
        row: of the right code.
        draw: decides.
        before: steps that come before the tree in the right answer; the walk begins with them.
    """
    wrong = wrong_codes(tree).draw(row, draw)
    if draw.chance(34):
        steps = wrong_steps(wrong, tree.descriptions[row], draw)
    elif wrong.code in tree.row_of:
        steps = (*before, *tree_reasoning(tree).steps(tree.row_of[wrong.code]))
    else:
        steps = (*before, *tree_reasoning(tree).steps(row)[:-1], f"Final: {wrong.code}")
    return Rejected(wrong.code, wrong.description, steps, wrong.error)
