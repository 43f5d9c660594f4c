"""Strict counts: a mention is right where type and both ends are."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.multilabel import FN, FP, TP
from thce.ner.tags import chunks

Place = tuple[str, Hashable]
"""A mention as its type and where it lies."""


def strict_counts(
    gold: Sequence[str], predicted: Sequence[str], types: Sequence[str]
) -> NDArray[np.int32]:
    """(3, types): what the tags of one document's words add, as seqeval counts by default."""
    return count_places(_places(gold), _places(predicted), types)


def count_places(
    gold: Iterable[Place], predicted: Iterable[Place], types: Sequence[str]
) -> NDArray[np.int32]:
    """(3, types): true positives, false positives and false negatives of one document.

    Each mention is matched once: of two annotations of one type on one place, one prediction
    finds one.
    """
    wanted, found = Counter(gold), Counter(predicted)
    column = {name: number for number, name in enumerate(types)}
    counts = np.zeros((3, len(types)), dtype=np.int32)
    for row, mentions in ((TP, wanted & found), (FP, found - wanted), (FN, wanted - found)):
        for (name, _), times in mentions.items():
            counts[row, column[name]] += times
    return counts


def _places(tags: Sequence[str]) -> list[Place]:
    return [(name, (first, last)) for name, first, last in chunks(tags)]
