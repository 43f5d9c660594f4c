"""The official terms of a catalogue: descriptions, and inclusion terms that mean one code."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from thce.coder.code_tree import CodeTree, code_tree
from thce.coder.held_out_terms import SHARE, is_held_out, same_term
from thce.codes.code_types import CodeType


@dataclass(frozen=True, slots=True)
class Term:
    """Words that mean a billable code.

    Attributes:
        id: distinct among all terms.
        text: the words.
        row: of the code in its tree.
        official: the term as its catalogue prints it; differs from `text` where the term stands
            above the code, which adds a side or an encounter. Empty for a description.
    """

    id: str
    text: str
    row: int
    official: str = ""


@cache
def training_terms(code_type: CodeType, share: float = SHARE) -> tuple[Term, ...]:
    """All terms of a code type but those held out, in the order of their codes."""
    return tuple(term for term in _terms(code_tree(code_type)) if not _kept_back(term, share))


def held_out_terms(code_type: CodeType, share: float = SHARE) -> list[Term]:
    """The inclusion terms that no training source emits, one code each.

    A term that is worded as some code's description is not among them: that is trained on.
    """
    tree = code_tree(code_type)
    described = {same_term(tree.descriptions[row]) for row in tree.billable_rows}
    return [
        term
        for term in _terms(tree)
        if _kept_back(term, share) and same_term(term.text) not in described
    ]


def _kept_back(term: Term, share: float) -> bool:
    return bool(term.official) and is_held_out(term.official, share)


def _terms(tree: CodeTree) -> Iterator[Term]:
    """Every description, and every inclusion term that stands for one code only."""
    told = _inclusion_terms(tree)
    codes: dict[str, set[int]] = {}
    for term in told:
        codes.setdefault(same_term(term.text), set()).add(term.row)
    above: dict[int, list[Term]] = {}
    for term in told:
        if len(codes[same_term(term.text)]) == 1:
            above.setdefault(term.row, []).append(term)
    for row in tree.billable_rows:
        said = tree.descriptions[row]
        yield Term(f"{tree.codes[row]}#0", said, row)
        seen = {same_term(said)}
        for term in above.get(row, ()):
            if same_term(term.text) not in seen:
                seen.add(same_term(term.text))
                yield term


def _inclusion_terms(tree: CodeTree) -> list[Term]:
    """Inclusion terms of each code, and those above it that differ by its last characters only."""
    notes = _notes(tree)
    terms = []
    for row in tree.billable_rows:
        number = 0
        for at in reversed(tree.path(row)):
            added = _added(tree, at, row)
            if added is None:
                continue
            for official in notes.get(at, ()):
                number += 1
                terms.append(Term(f"{tree.codes[row]}#{number}", official + added, row, official))
    return terms


def _added(tree: CodeTree, at: int, row: int) -> str | None:
    """What a code says after the words of an entry above it; None where it says other things."""
    if at == row:
        return ""
    if tree.kind(at) in ("chapter", "block"):
        return None
    above, said = tree.descriptions[at], tree.descriptions[row]
    return said[len(above) :] if said.startswith(f"{above}, ") else None


def _notes(tree: CodeTree) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    notes = tree.catalogue.tables.notes
    for row in range(len(notes)):
        text = notes[row]
        if "inclusion_terms" in text:
            found[row] = json.loads(text)["inclusion_terms"]
    return found
