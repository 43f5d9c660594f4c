"""What the linear probe sees of a note: its words and word pairs, by TF-IDF."""

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WORDS, INTERCEPT = 6.0, 1.0
"""Prior variance that a note's words and the intercept add to a logit."""

_WORD = re.compile(r"[a-z]+|\d+")


def word_kernel(texts: Sequence[str], vocabulary: NDArray[np.integer]) -> Floats:
    """(n, n) prior covariance of the logits of n notes.

    Args:
        texts: n prepared notes.
        vocabulary: rows that may teach which terms there are: the pool, not the test.
    """
    words = tf_idf(texts, vocabulary)
    kernel: Floats = WORDS * words @ words.T + INTERCEPT
    return kernel


def tf_idf(texts: Sequence[str], vocabulary: NDArray[np.integer]) -> Floats:
    """(n, v) unit rows: 1 + log count, times the log of the inverse share of notes, plus 1.

    Args:
        texts: n notes.
        vocabulary: rows that decide which terms there are (in at least two of them) and how
            rare each is.
    """
    counts = [_terms(text) for text in texts]
    seen = Counter(term for row in vocabulary for term in counts[row])
    known = {term: at for at, term in enumerate(sorted(t for t, n in seen.items() if n > 1))}
    rarity = np.array([math.log((1 + len(vocabulary)) / (1 + seen[term])) + 1 for term in known])
    matrix = np.zeros((len(texts), len(known)))
    for row, found in enumerate(counts):
        for term, count in found.items():
            if term in known:
                matrix[row, known[term]] = 1 + math.log(count)
    matrix *= rarity
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit: Floats = matrix / np.where(length > 0, length, 1.0)
    return unit


def _terms(text: str) -> Counter[str]:
    words = _WORD.findall(text.lower())
    return Counter([*words, *(f"{first} {second}" for first, second in pairwise(words))])
