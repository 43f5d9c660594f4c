"""The index that candidates come from: every concept's terms, as words and as vectors.

Building one encodes tens of thousands of terms, minutes on a slow machine, so it is kept as
`THCE_HOME/coder/retrieval/TYPE-KEY.columns`; the key hashes catalogue, encoder and terms.
"""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thce.coder.clinical_words import say_clinically
from thce.coder.concepts import Concept, LeaveOut, build_concepts
from thce.coder.draw import Draw
from thce.coder.encoder import TERM_TOKENS, Encoder
from thce.coder.finding_index import FindingIndex, build_finding_index
from thce.codes.catalogue import Catalogue
from thce.codes.columns import DamagedFile, read_columns, write_columns
from thce.codes.entries import Entry
from thce.codes.search import Searcher
from thce.codes.search_index import build_index
from thce.paths import home

WORDINGS = 3  # clinical wordings of a core, where it has so many

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ConceptIndex:
    """Concepts of one catalogue, searchable.

    Attributes:
        catalogue: whose codes.
        concepts: in order; their numbers are what searches answer.
        searcher: over their terms as words.
        vectors: (terms, width) float32 unit vectors, or None without an encoder.
        owners: (terms,) int32 concept of each term, ascending.
        findings: that often come with a concept.
    """

    catalogue: Catalogue
    concepts: Sequence[Concept]
    searcher: Searcher
    vectors: NDArray[np.float32] | None
    owners: NDArray[np.int32]
    findings: FindingIndex

    def lexical(self, text: str, count: int) -> dict[int, float]:
        """Concept -> score between 0 and 1, the best `count`."""
        allowed = np.ones(len(self.concepts), bool)
        return {hit.row: hit.score for hit in self.searcher.search(text, count, allowed)}

    def dense(self, queries: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity of texts to concepts, each by its nearest term.

        Args:
            queries: (texts, width) unit vectors.

        Returns:
            (texts, concepts) float32, -1 to 1.
        """
        assert self.vectors is not None
        firsts = np.flatnonzero(np.diff(self.owners, prepend=-1))
        return np.maximum.reduceat(queries @ self.vectors.T, firsts, axis=1)


def build_concept_index(
    catalogue: Catalogue,
    encoder: Encoder | None,
    encoder_key: str = "",
    leave_out: LeaveOut | None = None,
) -> ConceptIndex:
    """Builds the index, or reads the vectors from the cache.

    Args:
        catalogue: whose codes.
        encoder: of the terms; None for words alone.
        encoder_key: says which encoder, for the cache.
        leave_out: inclusion terms, as printed, that must not be in the index.
    """
    concepts = build_concepts(catalogue, leave_out)
    names = [all_names(one) for one in concepts]
    entries = [
        Entry(f"{number:06}", own[0], notes={"inclusion_terms": own[1:]})
        for number, own in enumerate(names)
    ]
    owners = np.repeat(np.arange(len(concepts), dtype=np.int32), [len(own) for own in names])
    terms = [term for own in names for term in own]
    vectors = _vectors(catalogue, terms, encoder, encoder_key) if encoder else None
    findings = build_finding_index(catalogue, concepts, encoder)
    searcher = Searcher(build_index(entries))
    return ConceptIndex(catalogue, concepts, searcher, vectors, owners, findings)


def all_names(concept: Concept) -> list[str]:
    """A concept's official terms, and its core as clinicians say it."""
    said = [
        say_clinically(concept.name, Draw(number, concept.name), 100) for number in range(WORDINGS)
    ]
    return list(dict.fromkeys([*concept.terms, *filter(None, said)]))


def _vectors(
    catalogue: Catalogue, terms: Sequence[str], encoder: Encoder, encoder_key: str
) -> NDArray[np.float32]:
    digest = hashlib.sha256("\n".join([encoder_key, *terms]).encode()).hexdigest()
    name = f"{catalogue.code_type}-{digest[:16]}.columns"
    path = Path(home()) / "coder" / "retrieval" / name
    try:
        _, arrays = read_columns(path)
        return arrays["vectors"].astype(np.float32)
    except FileNotFoundError:
        pass
    except DamagedFile:
        log.warning("%s is damaged; the terms are encoded anew", path)
    vectors = encoder.encode(terms, TERM_TOKENS)
    write_columns(path, {"encoder": encoder_key}, {"vectors": vectors.astype(np.float16)})
    return vectors
