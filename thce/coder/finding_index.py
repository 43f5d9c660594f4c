"""Findings that often come with a disease, searchable: "bull's-eye rash" speaks for Lyme disease.

The shipped table (`thce.coder.findings`) holds them by beginnings of ICD-10-CM codes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.coder.concepts import Concept
from thce.coder.encoder import Encoder
from thce.coder.findings import findings_of
from thce.coder.vector_cache import term_vectors
from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType
from thce.codes.words import index_words

FEWEST_WORDS = 2  # of a finding that words alone may find
NEAR = 0.6  # cosine from which a finding makes its concepts candidates
MOST_CONCEPTS = 40  # of a finding that makes candidates


@dataclass(frozen=True)
class FindingIndex:
    """Distinct findings and the concepts that they speak for.

    Attributes:
        words: the indexed words of each finding.
        vectors: (findings, width) unit vectors, or None without an encoder.
        concepts: concept numbers of each finding.
        of: concept -> its findings' numbers.
    """

    words: Sequence[frozenset[str]]
    vectors: NDArray[np.float32] | None
    concepts: Sequence[Sequence[int]]
    of: dict[int, list[int]]

    def strengths(
        self, said: frozenset[str], queries: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        """(findings,) how well a narrative tells each, 0 to 1.

        Args:
            said: the narrative's indexed words.
            queries: (texts, width) unit vectors of the narrative's segments, or None.
        """
        shares = [
            len(one & said) / len(one) if len(one) >= FEWEST_WORDS else 0.0 for one in self.words
        ]
        found = np.array([share if share > 0.5 else 0.0 for share in shares], np.float32)
        if queries is not None and self.vectors is not None and len(self.words):
            np.maximum(found, (queries @ self.vectors.T).max(axis=0), out=found)
        return found

    def candidates(self, strengths: NDArray[np.float32]) -> set[int]:
        """Concepts of the findings that are told."""
        told = np.flatnonzero(strengths >= NEAR).tolist()
        return {
            number
            for finding in told
            if len(self.concepts[finding]) <= MOST_CONCEPTS
            for number in self.concepts[finding]
        }

    def strongest(self, concept: int, strengths: NDArray[np.float32]) -> float:
        """The best told finding of a concept, 0 where it has none."""
        return max((float(strengths[finding]) for finding in self.of.get(concept, ())), default=0.0)


def build_finding_index(
    catalogue: Catalogue, concepts: Sequence[Concept], encoder: Encoder | None
) -> FindingIndex:
    """Findings of all concepts; empty for CPT and HCPCS."""
    numbers: dict[str, int] = {}
    of: dict[int, list[int]] = defaultdict(list)
    if catalogue.code_type is CodeType.ICD10:
        for concept, one in enumerate(concepts):
            for said in findings_of(catalogue.code_at(one.rows[0])):
                of[concept].append(numbers.setdefault(said, len(numbers)))
    owners: list[list[int]] = [[] for _ in numbers]
    for concept, findings in of.items():
        for finding in findings:
            owners[finding].append(concept)
    words = [frozenset(index_words(said)) for said in numbers]
    vectors = term_vectors("findings", list(numbers), encoder) if encoder and numbers else None
    return FindingIndex(words, vectors, owners, dict(of))
