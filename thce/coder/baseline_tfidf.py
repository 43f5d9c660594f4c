"""TF-IDF retrieval over all billable codes: words and runs of letters, cosine similarity."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from thce.coder.baselines import ranked
from thce.coder.coded_rows import RankedCode
from thce.coder.concepts import official_names
from thce.coder.rank import Answering
from thce.codes.catalogue import Catalogue

RUNS = (3, 4, 5)  # letters, within words and their edges
_WORD = re.compile(r"[a-z0-9]+")


class TfidfCodes:
    """Ranks codes by the best of their official names; sublinear counts, smoothed idf."""

    def __init__(self, catalogue: Catalogue) -> None:
        from scipy.sparse import csr_matrix

        self._catalogue = catalogue
        rows = np.flatnonzero(catalogue.current).tolist()
        named = [(row, name) for row in rows for name in official_names(catalogue, row)]
        self._rows = np.array([row for row, _ in named])
        self._places: dict[str, int] = {}
        counts, columns, starts = [], [], [0]
        for _, name in named:
            for feature, count in Counter(_features(name)).items():
                columns.append(self._places.setdefault(feature, len(self._places)))
                counts.append(1 + np.log(count))
            starts.append(len(columns))
        matrix = csr_matrix(
            (np.array(counts, np.float32), np.array(columns, np.int32), np.array(starts)),
            shape=(len(named), len(self._places)),
        )
        frequency = np.bincount(matrix.indices, minlength=matrix.shape[1])
        self._idf = (np.log((1 + len(named)) / (1 + frequency)) + 1).astype(np.float32)
        matrix.data *= self._idf[matrix.indices]
        lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
        matrix.data /= np.repeat(np.maximum(lengths, 1e-9), np.diff(matrix.indptr))
        self._names = matrix.T.tocsr()

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Scores are cosines."""
        similar = self._similarities(narrative)
        firsts = np.flatnonzero(np.diff(self._rows, prepend=-1))
        best = np.maximum.reduceat(similar, firsts)
        rows = self._rows[firsts]
        order = np.argsort(-best, kind="stable")[: answering.count]
        scored: Sequence[tuple[int, float]] = [(int(rows[i]), float(best[i])) for i in order]
        return ranked(self._catalogue, scored, answering)

    def _similarities(self, narrative: str) -> NDArray[np.float32]:
        found = Counter(name for name in _features(narrative) if name in self._places)
        places = np.array([self._places[name] for name in found], int)
        weights = (1 + np.log(np.array(list(found.values()), np.float32))) * self._idf[places]
        weights /= max(float(np.linalg.norm(weights)), 1e-9)
        similar: NDArray[np.float32] = np.asarray(self._names[places].T @ weights)
        return similar


def _features(text: str) -> Iterator[str]:
    for word in _WORD.findall(text.lower()):
        yield f"w:{word}"
        edged = f" {word} "
        for length in RUNS:
            for start in range(len(edged) - length + 1):
                yield edged[start : start + length]
