"""Neighbours in a list without a tree: close by number and worded alike."""

import re
from functools import cache

from thce.coder.code_tree import CodeTree

WINDOW = 6  # how far to either side a neighbour is looked for
_WORD = re.compile(r"[a-z0-9]{3,}")


@cache
def flat_neighbors(tree: CodeTree, row: int) -> tuple[int, ...]:
    """Billable rows near a row, those that share most words with it first, at most `WINDOW`."""
    rows = tree.billable_rows
    place = _places(tree)[row]
    around = rows[max(0, place - WINDOW) : place] + rows[place + 1 : place + 1 + WINDOW]
    mine = words(tree.descriptions[row])

    def alike(other: int) -> float:
        theirs = words(tree.descriptions[other])
        return len(mine & theirs) / max(1, len(mine | theirs))

    family = [other for other in around if tree.codes[other][:2] == tree.codes[row][:2]]
    return tuple(sorted(family, key=alike, reverse=True)[:WINDOW])


def nearest_flat(tree: CodeTree, row: int) -> int | None:
    """The neighbour worded most alike, if any shares a word."""
    near = flat_neighbors(tree, row)
    if near and words(tree.descriptions[near[0]]) & words(tree.descriptions[row]):
        return near[0]
    return None


def words(text: str) -> frozenset[str]:
    """Words of three letters and more, in lower case."""
    return frozenset(_WORD.findall(text.lower()))


@cache
def _places(tree: CodeTree) -> dict[int, int]:
    return {row: place for place, row in enumerate(tree.billable_rows)}
