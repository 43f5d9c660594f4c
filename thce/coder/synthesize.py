"""Source: synthetic narratives, official terms dressed in clinical language without a model.

Nothing here is a real note. A narrative says the term's condition, side and encounter in other
words, in one of several styles, among a patient, a place and findings that are not there.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from thce.coder import note_frames as frames
from thce.coder.clinical_words import say_clinically
from thce.coder.code_tree import CodeTree
from thce.coder.draw import Draw
from thce.coder.encounter_words import encounter_words, side_words
from thce.coder.examples import Example
from thce.coder.facets import facets
from thce.coder.findings import findings_of
from thce.coder.held_out_terms import SHARE
from thce.coder.official_terms import OfficialTerms, rejected_from_tree
from thce.coder.terms import Term
from thce.coder.tree_reasoning import tree_reasoning
from thce.codes.code_types import CodeType

NAME = "synthetic"
_SPACES = re.compile(r"\s+([,.;:])|\s{2,}")
_SIDE = re.compile(r",? ?\b(right|left|bilateral)\b ?(side)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Dressed:
    """A term in clinical words.

    Attributes:
        said: the condition or service.
        side: words for the side, or empty where `said` keeps it.
        encounter: words for the encounter, or empty.
        findings: what often comes with the code, or empty.
    """

    said: str
    side: str
    encounter: str
    findings: str = ""


class SyntheticNarratives:
    """So many narratives from each official term; an example depends on seed and term alone."""

    def __init__(
        self,
        code_types: Sequence[CodeType] = tuple(CodeType),
        seed: int = 0,
        held_out_share: float = SHARE,
        codes: frozenset[tuple[CodeType, str]] | None = None,
        variants: int = 8,
    ) -> None:
        """Lists the terms; arguments as of `OfficialTerms`, and narratives a term."""
        self.official = OfficialTerms(code_types, seed, held_out_share, codes)
        self.seed = seed
        self.variants = variants

    def __len__(self) -> int:
        return len(self.official) * self.variants

    def families(self) -> NDArray[np.str_]:
        """For each place the code type and the first three characters of the code."""
        return np.tile(self.official.families(), self.variants)

    def examples(self, places: Iterable[int], stage: int = 3) -> list[Example]:
        """The examples at places from 0 to `len(self)` - 1; a wrong answer for stage 3 only."""
        terms = self.official.terms
        return [
            self._example(*terms[place % len(terms)], place // len(terms), stage)
            for place in places
        ]

    def _example(self, tree: CodeTree, term: Term, variant: int, stage: int) -> Example:
        name = f"{NAME}:{tree.code_type.value}:{term.id}:{variant}"
        draw = Draw(self.seed, name)
        code, description = tree.codes[term.row], tree.descriptions[term.row]
        dressed, category = dress(term.text, draw), ""
        if tree.code_type is CodeType.ICD10:
            category = code[0]
            dressed = replace(dressed, findings=_findings(code, draw))
        told = _told(dressed, term.text)
        return Example(
            name,
            narrative(dressed, description, category, draw),
            tree.code_type,
            code,
            description,
            (*told, *tree_reasoning(tree).steps(term.row)),
            NAME,
            rejected_from_tree(tree, term.row, draw, told) if stage == 3 else None,
        )


def dress(term: str, draw: Draw) -> Dressed:
    """Says a term in clinical words."""
    found = facets(term)
    core, side = found.core, ""
    if found.side and draw.chance(60):
        side = side_words(found.side, draw)
        core = _SIDE.sub(" ", core).strip(" ,")
    said = say_clinically(core, draw, 45 + draw.below(50))
    if said and not said[:2].isupper() and draw.chance(70):
        said = said[0].lower() + said[1:]
    encounter = encounter_words(found.encounter, draw) if found.encounter else ""
    return Dressed(_tidy(said) or core, side, encounter)


def narrative(dressed: Dressed, description: str, category: str, draw: Draw) -> str:
    """The dressed term in one of six styles.

    Args:
        dressed: the term.
        description: of its code; decides which patients are possible.
        category: first letter of an ICD-10-CM code, empty for other code types.
        draw: decides.
    """
    condition = dressed.said
    if dressed.side:
        after = dressed.side.startswith("on ") or draw.chance(35)
        condition = f"{condition} {dressed.side}" if after else f"{dressed.side} {condition}"
    lead = draw.one(frames.LEADS if category else frames.SERVICES).format(condition)
    who = frames.patient(description, category, draw)
    style = draw.below(6)
    if style == 0:
        parts = [who, condition, dressed.findings, dressed.encounter]
        return _tidy(", ".join(filter(None, parts)) + ".")
    when, seen = _sentence(dressed.encounter), _sentence(dressed.findings)
    told = f"{condition} {dressed.findings}"
    missing = _sentence(frames.negated(category, told, draw))
    if style == 1:
        parts = [f"{draw.one(frames.PLACES)}: {who}.", seen, f"{_capital(lead)}.", when]
    elif style == 2:
        parts = [f"{who}.", when, seen, missing, f"{_capital(lead)}.", draw.one(frames.PLANS)]
    elif style == 3:
        parts = [f"{_capital(lead)}.", when, seen, missing]
    elif style == 4:
        parts = [f"{who}, {frames.vitals(told, draw)}.", seen, f"{_capital(lead)}.", when]
        parts.append(draw.one(frames.PLANS))
    else:
        parts = [f"{who}.", seen, when, missing, f"{_capital(condition)}."]
    return _tidy(" ".join(filter(None, parts)))


def _findings(code: str, draw: Draw) -> str:
    """One or two findings of a code, in two notes of three."""
    known = findings_of(code)
    if not known or draw.chance(35):
        return ""
    chosen = [draw.one(known) for _ in range(1 + draw.below(2))]
    return ", ".join(dict.fromkeys(chosen))


def _told(dressed: Dressed, term: str) -> tuple[str, ...]:
    """Steps that quote the narrative: what stands for which official words."""
    steps = [f'"{dressed.said}" is {facets(term).core}']
    if dressed.side:
        steps.append(f'"{dressed.side}" is {facets(term).side}')
    if dressed.encounter:
        steps.append(f'"{dressed.encounter}": {facets(term).encounter}')
    if dressed.findings:
        steps.append(f"Findings: {dressed.findings}")
    return tuple(steps)


def _sentence(text: str) -> str:
    return f"{_capital(text)}." if text else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tidy(text: str) -> str:
    return _SPACES.sub(lambda found: found[1] or " ", text).replace("..", ".").replace(",,", ",")
