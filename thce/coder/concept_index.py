"""The index that candidates come from: every concept's terms, as words and as vectors.

Building one takes seconds and encoding its terms minutes, so both are kept under
`THCE_HOME/coder/retrieval`; the keys hash the catalogue, the code and tables that build, and the
encoder.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from thce.coder.axes import Axes
from thce.coder.concepts import Concept, build_concepts
from thce.coder.encoder import Encoder
from thce.coder.finding_index import FindingIndex, build_finding_index
from thce.coder.held_out_terms import is_held_out
from thce.coder.vector_cache import term_vectors
from thce.codes.catalogue import Catalogue
from thce.codes.columns import DamagedFile, Texts, read_columns, write_columns
from thce.codes.entries import Entry
from thce.codes.search import Searcher
from thce.codes.search_index import SearchIndex, build_index
from thce.paths import home

# What decides the words of an index, beside the catalogue.
BUILDERS = {
    "thce.coder": (
        "axes.py",
        "concept_index.py",
        "concepts.py",
        "held_out_terms.py",
    ),
    "thce.codes": ("search_index.py", "typos.py", "words.py"),
}

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


def load_concept_index(
    catalogue: Catalogue, encoder: Encoder | None, without_tested_terms: bool = False
) -> ConceptIndex:
    """The index of a catalogue.

    Args:
        catalogue: whose codes.
        encoder: of the terms; None for words alone.
        without_tested_terms: whether the official terms held out for testing are left out.
    """
    concepts, index = _words(catalogue, without_tested_terms)
    owners = np.repeat(
        np.arange(len(concepts), dtype=np.int32), [len(one.terms) for one in concepts]
    )
    vectors = None
    if encoder is not None:
        terms = [term for one in concepts for term in one.terms]
        vectors = term_vectors(str(catalogue.code_type), terms, encoder)
    findings = build_finding_index(catalogue, concepts, encoder)
    return ConceptIndex(catalogue, concepts, Searcher(index), vectors, owners, findings)


def _words(catalogue: Catalogue, without_tested_terms: bool) -> tuple[list[Concept], SearchIndex]:
    """Concepts and their index of words, from the cache where it holds them."""
    told = f"{catalogue.fingerprint}\n{_builders()}\n{without_tested_terms}"
    key = hashlib.sha256(told.encode()).hexdigest()[:16]
    path = home() / "coder" / "retrieval" / f"{catalogue.code_type}-words-{key}.columns"
    try:
        _, arrays = read_columns(path)
        rows = Texts(arrays.pop("concepts.blob"), arrays.pop("concepts.ends"))
        return [_concept(rows[number]) for number in range(len(rows))], SearchIndex(**arrays)
    except FileNotFoundError:
        pass
    except DamagedFile:
        log.warning("%s is damaged; the index is built anew", path)
    concepts = build_concepts(catalogue, is_held_out if without_tested_terms else None)
    entries = [
        Entry(f"{number:06}", one.name, notes={"inclusion_terms": one.terms[1:]})
        for number, one in enumerate(concepts)
    ]
    index = build_index(entries)
    packed = Texts.of(map(_packed, concepts))
    columns = {field.name: getattr(index, field.name) for field in fields(SearchIndex)}
    columns |= {"concepts.blob": packed.blob, "concepts.ends": packed.ends}
    write_columns(path, {}, columns)
    return concepts, index


def _packed(concept: Concept) -> str:
    axes = [{name: at for name, at in asdict(one).items() if at} for one in concept.axes]
    return json.dumps([concept.name, concept.terms, concept.rows, axes, concept.category])


def _concept(packed: str) -> Concept:
    name, terms, rows, axes, category = json.loads(packed)
    return Concept(name, tuple(terms), tuple(rows), tuple(Axes(**one) for one in axes), category)


@cache
def _builders() -> str:
    """A hash of the code and tables that build the words."""
    parts = [
        files(package).joinpath(name).read_bytes()
        for package, names in BUILDERS.items()
        for name in names
    ]
    return hashlib.sha256(b"".join(parts)).hexdigest()
