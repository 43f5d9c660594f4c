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

from thce.coder.concepts import Concept, LeaveOut, build_concepts
from thce.coder.encoder import TERM_TOKENS, Encoder
from thce.codes.catalogue import Catalogue
from thce.codes.columns import DamagedFile, read_columns, write_columns
from thce.codes.entries import Entry
from thce.codes.search import Searcher
from thce.codes.search_index import build_index
from thce.paths import home

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
    """

    catalogue: Catalogue
    concepts: Sequence[Concept]
    searcher: Searcher
    vectors: NDArray[np.float32] | None
    owners: NDArray[np.int32]

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
    entries = [
        Entry(f"{number:06}", one.name, notes={"inclusion_terms": one.terms[1:]})
        for number, one in enumerate(concepts)
    ]
    owners = np.repeat(
        np.arange(len(concepts), dtype=np.int32), [len(one.terms) for one in concepts]
    )
    terms = [term for one in concepts for term in one.terms]
    vectors = _vectors(catalogue, terms, encoder, encoder_key) if encoder else None
    return ConceptIndex(catalogue, concepts, Searcher(build_index(entries)), vectors, owners)


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
