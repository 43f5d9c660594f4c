"""Strict scores: a mention counts where type and both ends are right."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from thce.ner.tags import TagSet, chunks

Counts = NDArray[np.int64]
"""(types, 3): right, spurious and missed mentions per type, as `TagSet.types` orders them."""

RIGHT, SPURIOUS, MISSED = range(3)


def strict_counts(gold: Sequence[str], predicted: Sequence[str], tags: TagSet) -> Counts:
    """What one document adds, from the tags of its words; the rule of seqeval's default."""
    return count_matches(chunks(gold), chunks(predicted), tags)


def count_matches(
    gold: Iterable[tuple[str, object, object]],
    predicted: Iterable[tuple[str, object, object]],
    tags: TagSet,
) -> Counts:
    """What one document adds, from mentions as (type, start, end); copies count once each."""
    wanted, found = Counter(gold), Counter(predicted)
    row = {name: number for number, name in enumerate(tags.types)}
    counts = np.zeros((len(row), 3), dtype=np.int64)
    for column, mentions in (
        (RIGHT, wanted & found),
        (SPURIOUS, found - wanted),
        (MISSED, wanted - found),
    ):
        for (name, _, _), times in mentions.items():
            counts[row[name], column] += times
    return counts


def precision_recall_f1(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """(..., 3) right, spurious, missed -> (..., 3) precision, recall, F1; 0 where undefined."""
    right = counts[..., RIGHT].astype(np.float64)
    found = right + counts[..., SPURIOUS]
    wanted = right + counts[..., MISSED]
    figures = (right / np.maximum(found, 1), right / np.maximum(wanted, 1))
    return np.stack([*figures, 2 * right / np.maximum(found + wanted, 1)], axis=-1)


def micro_f1(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """(..., types, 3) -> (...): F1 over all mentions."""
    return precision_recall_f1(counts.sum(axis=-2))[..., 2]


def macro_f1(counts: NDArray[np.number]) -> NDArray[np.float64]:
    """(..., types, 3) -> (...): the mean F1 of the types that are wanted or found."""
    present = counts.sum(axis=-1) > 0
    per_type = precision_recall_f1(counts)[..., 2]
    return (per_type * present).sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)
