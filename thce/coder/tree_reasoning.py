"""Reasoning from the tree: chapter, block, category, and what each further character decides."""

from functools import cache

from thce.coder.code_groups import CHAPTERS, cpt_group, hcpcs_group
from thce.coder.code_tree import CodeTree
from thce.coder.facets import facets
from thce.coder.neighbors import nearest_flat, words
from thce.codes.code_types import CodeType

PLACES = {4: "Fourth", 5: "Fifth", 6: "Sixth", 7: "Seventh"}


class TreeReasoning:
    """The steps to each code of a tree. A node's step is worded once and then kept."""

    def __init__(self, tree: CodeTree) -> None:
        self.tree = tree
        self._steps: dict[int, tuple[str, ...]] = {}

    def steps(self, row: int) -> tuple[str, ...]:
        """The steps to a billable row, the last one `Final: CODE`."""
        if self.tree.code_type is not CodeType.ICD10:
            return self._flat(row)
        above = self._down_to(self.tree.parents[row])
        return (*above, *self._step(row), f"Final: {self.tree.codes[row]}")

    def _down_to(self, row: int) -> tuple[str, ...]:
        if row < 0:
            return ()
        known = self._steps.get(row)
        if known is None:
            known = (*self._down_to(self.tree.parents[row]), *self._step(row))
            self._steps[row] = known
        return known

    def _step(self, row: int) -> tuple[str, ...]:
        """What one level says; nothing where it only passes the description on."""
        tree, code, said = self.tree, self.tree.codes[row], self.tree.descriptions[row]
        kind = tree.kind(row)
        if kind == "chapter":
            return (f"Chapter {code}: {CHAPTERS.get(code, said)}",)
        if kind == "block":
            return (f"Block {code}: {said}",)
        if len(code) == 3:
            return (f"Category {code}: {said}",)
        return self._deciding(row, code, said)

    def _deciding(self, row: int, code: str, said: str) -> tuple[str, ...]:
        parent = self.tree.parents[row]
        above = self.tree.descriptions[parent] if parent >= 0 else ""
        if said == above:
            return ()
        mine, theirs = facets(said), facets(above)
        place = PLACES[len(code) - 1]
        missing = len(code) - len(self.tree.codes[parent]) - 1
        filled: tuple[str, ...] = ()
        if missing > 0 and len(code) == 8:
            filled = (f"{'X' * missing} only fills the empty places",)
        if mine.encounter and not theirs.encounter:
            return (*filled, f"{place} character {code[-1]}: {mine.encounter}")
        if mine.side and not theirs.side:
            more = words(mine.core) - words(theirs.core) - {mine.side}
            told = f"{mine.side}, {mine.core}" if more else mine.side
            return (*filled, f"{place} character {code[-1]}: {told}")
        dash = "" if self.tree.billable[row] else "-"
        return (*filled, f"{code}{dash}: {said}")

    def _flat(self, row: int) -> tuple[str, ...]:
        """Steps to a code of a list without a tree: its group, its wording, its neighbour."""
        tree, code = self.tree, self.tree.codes[row]
        group = cpt_group(code) if tree.code_type is CodeType.CPT else hcpcs_group(code)
        steps = [f"Group: {group}", f"{code}: {tree.descriptions[row]}"]
        near = nearest_flat(tree, row)
        if near is not None:
            steps.append(f"Not {tree.codes[near]}: {tree.descriptions[near]}")
        return (*steps, f"Final: {code}")


@cache
def tree_reasoning(tree: CodeTree) -> TreeReasoning:
    """The reasoning over a tree, made once a process."""
    return TreeReasoning(tree)
