"""Ranked codes of a narrative: concepts first, then which of a concept's codes, then the answer.

P(code) = P(concept | narrative) x P(side, encounter, ... | narrative, concept). The scores are
calibrated on what the ranker's weights were fitted on; an answer below the confidence asked for
is not accepted, and the narrative goes to a person.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thce.coder.candidates import Candidate, find_candidates
from thce.coder.coded_rows import RankedCode
from thce.coder.common_codes import common_codes
from thce.coder.concept_index import ConceptIndex, load_concept_index
from thce.coder.concept_scores import ConceptScores
from thce.coder.cues import Cues, axes_likelihood, read_cues
from thce.coder.encoder import Encoder
from thce.coder.segments import segments
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue

CONFIDENCE = 0.2


@dataclass(frozen=True)
class Scored:
    """A code with its probability."""

    code: str
    row: int
    score: float


@dataclass(frozen=True)
class Answering:
    """What decides an answer.

    Attributes:
        count: codes that are ranked.
        confidence: a code below it is not accepted.
        several: whether a narrative may have several codes; else the best one alone is accepted.
    """

    count: int = 10
    confidence: float = CONFIDENCE
    several: bool = False

    def accept(self, codes: Sequence[RankedCode]) -> list[RankedCode]:
        """The first codes of a ranking, each told whether it is part of the answer."""
        return [
            replace(one, accepted=one.score >= self.confidence and (self.several or place == 0))
            for place, one in enumerate(codes[: self.count])
        ]


class Ranker:
    """Ranks the codes of one type for narratives."""

    def __init__(
        self,
        index: ConceptIndex,
        encoder: Encoder | None,
        scores: ConceptScores,
        common: frozenset[str] = frozenset(),
    ) -> None:
        self.index = index
        self._encoder = encoder
        self._scores = scores
        self._common = common

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Codes, the best first; with which of them are accepted."""
        cues = read_cues(narrative)
        if answering.several:
            found = self._several(narrative, cues)
        else:
            found = self._codes(narrative, cues)
        catalogue = self.index.catalogue
        kind, descriptions = catalogue.code_type, catalogue.tables.descriptions
        return answering.accept(
            [
                RankedCode(kind, one.code, descriptions[one.row], one.score, False)
                for one in found[: answering.count]
            ]
        )

    def candidates(self, text: str) -> list[Candidate]:
        """The concepts that a text may mean, in the order of their numbers."""
        return find_candidates(self.index, self._encoder, text, self._common)

    def codes_of(
        self, candidates: Sequence[Candidate], shares: NDArray[np.float64], cues: Cues
    ) -> list[Scored]:
        """The codes of candidate concepts with these probabilities, the best first."""
        scored = [
            one
            for candidate, share in zip(candidates, shares.tolist(), strict=True)
            for one in self._within(candidate, share, cues)
        ]
        return sorted(scored, key=lambda one: (-one.score, one.row))

    def _codes(self, text: str, cues: Cues) -> list[Scored]:
        """All candidate codes of a text, the best first; the scores add up to 1."""
        candidates = self.candidates(text)
        if not candidates:
            return []
        shares = self._scores.probabilities(np.array([one.features for one in candidates]))
        return self.codes_of(candidates, shares, cues)

    def _within(self, candidate: Candidate, share: float, cues: Cues) -> list[Scored]:
        concept = self.index.concepts[candidate.number]
        return [
            Scored(
                self.index.catalogue.code_at(row),
                row,
                share * axes_likelihood(cues, axes, concept.axes, candidate.near),
            )
            for row, axes in zip(concept.rows, concept.axes, strict=True)
        ]

    def _several(self, narrative: str, cues: Cues) -> list[Scored]:
        """Each segment ranked on its own; a code keeps its best score anywhere."""
        best: dict[str, Scored] = {}
        for text in [narrative, *(part.text for part in segments(narrative))]:
            for one in self._codes(text, cues):
                if one.code not in best or one.score > best[one.code].score:
                    best[one.code] = one
        return sorted(best.values(), key=lambda one: (-one.score, one.row))


def load_rankers(
    code_types: Sequence[CodeType],
    retriever: str | None,
    without_tested_terms: bool = False,
    weights: Path | None = None,
) -> Mapping[CodeType, Ranker]:
    """A ranker per code type.

    Args:
        code_types: which.
        retriever: folder of the encoder; None ranks by words alone.
        without_tested_terms: whether the official terms held out for testing are left out of the
            index.
        weights: file of `thce coder fit-ranker`; None takes the shipped ones.
    """
    encoder = Encoder.load(retriever) if retriever else None
    scores = ConceptScores.load(encoder is not None, weights)
    return {
        kind: Ranker(
            load_concept_index(load_catalogue(kind), encoder, without_tested_terms),
            encoder,
            scores,
            frozenset(code for other, code in common_codes() if other is kind),
        )
        for kind in code_types
    }
