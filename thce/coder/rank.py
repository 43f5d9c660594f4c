"""Ranked codes of a narrative: concepts first, then which of a concept's codes, then the answer.

P(code) = P(concept | narrative) x P(side, encounter, ... | narrative, concept). The scores are
calibrated on what the ranker's weights were fitted on; an answer below the confidence asked for
is not accepted, and the narrative goes to a person.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
BY_LIKELIHOOD = 20  # codes that a language model is asked about

Likelihoods = Callable[[str, CodeType, Sequence[tuple[str, str]]], NDArray[np.float64]]
"""(narrative, code type, [(code, description)]) -> log-likelihood of each one's answer line."""


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
        likelihood_weight: of a language model's log-likelihood per answer line, where there is one.
    """

    count: int = 10
    confidence: float = CONFIDENCE
    several: bool = False
    likelihood_weight: float = 0.5


class Ranker:
    """Ranks the codes of one type for narratives."""

    def __init__(
        self,
        index: ConceptIndex,
        encoder: Encoder | None,
        scores: ConceptScores,
        likelihoods: Likelihoods | None = None,
        common: frozenset[str] = frozenset(),
    ) -> None:
        self.index = index
        self._encoder = encoder
        self._scores = scores
        self._likelihoods = likelihoods
        self._common = common

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Codes, the best first; with which of them are accepted."""
        cues = read_cues(narrative)
        if answering.several:
            found = self._several(narrative, cues)
        else:
            found = self._codes(narrative, cues)
        if self._likelihoods is not None:
            found = self._with_likelihood(narrative, found, answering.likelihood_weight)
        ranked = found[: answering.count]
        accepted = [one.score >= answering.confidence for one in ranked]
        if not answering.several:
            accepted[1:] = [False] * (len(ranked) - 1)
        catalogue = self.index.catalogue
        return [
            RankedCode(
                catalogue.code_type, one.code, catalogue.tables.descriptions[one.row], one.score, ok
            )
            for one, ok in zip(ranked, accepted, strict=True)
        ]

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

    def _with_likelihood(
        self, narrative: str, found: Sequence[Scored], weight: float
    ) -> list[Scored]:
        """The best codes scored anew, log P + weight x log-likelihood; their total stays."""
        assert self._likelihoods is not None
        head, tail = found[:BY_LIKELIHOOD], found[BY_LIKELIHOOD:]
        if not head:
            return list(tail)
        catalogue = self.index.catalogue
        asked = [(one.code, catalogue.tables.descriptions[one.row]) for one in head]
        told = self._likelihoods(narrative, catalogue.code_type, asked)
        scores = np.log([max(one.score, 1e-12) for one in head]) + weight * told
        powers = np.exp(scores - scores.max())
        shares = powers / powers.sum() * sum(one.score for one in head)
        joined = [
            Scored(one.code, one.row, float(share)) for one, share in zip(head, shares, strict=True)
        ]
        return sorted(joined, key=lambda one: (-one.score, one.row)) + list(tail)


def load_rankers(
    code_types: Sequence[CodeType],
    retriever: str | None,
    likelihoods: Likelihoods | None = None,
    without_tested_terms: bool = False,
) -> Mapping[CodeType, Ranker]:
    """A ranker per code type.

    Args:
        code_types: which.
        retriever: folder of the encoder; None ranks by words alone.
        likelihoods: of a language model.
        without_tested_terms: whether the official terms held out for testing are left out of the
            index.
    """
    encoder = Encoder.load(retriever) if retriever else None
    scores = ConceptScores.load(encoder is not None)
    return {
        kind: Ranker(
            load_concept_index(load_catalogue(kind), encoder, without_tested_terms),
            encoder,
            scores,
            likelihoods,
            frozenset(code for other, code in common_codes() if other is kind),
        )
        for kind in code_types
    }
