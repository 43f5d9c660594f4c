"""How far the annotators of a store agree, on the notes that several of them answered."""

import sqlite3
from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from thce.annotations.human_labels import opinions_by_note
from thce.annotations.store import AnnotationStore
from thce.evaluation.agreement import Agreement, measure_agreement
from thce.registry.labels import FLAG_NAMES, N_FLAGS, TRUE, UNKNOWN, Cells

Pair = tuple[str, str]


def agreement_of(store: AnnotationStore) -> Agreement | None:
    """Cohen's kappa per flag, before any conflict was settled.

    Latest answers count, ignored and rejected ones and adjudications do not.

    Returns:
        None while no note has answers of two annotators.
    """
    with store.database.read() as connection:
        notes = list(_compared(connection))
    if not notes:
        return None
    names = sorted({pair for note in notes for pair in note})
    position = {pair: index for index, pair in enumerate(names)}
    pairs = np.zeros((len(notes), len(names), N_FLAGS, 4), dtype=np.int64)
    for row, note in enumerate(notes):
        for pair, cells in note.items():
            pairs[row, position[pair]] = cells
    annotators = sorted({name for pair in names for name in pair})
    return measure_agreement(pairs, annotators, FLAG_NAMES)


def _compared(connection: sqlite3.Connection) -> Iterator[dict[Pair, NDArray[np.int64]]]:
    """Per note answered by two or more: what each pair says, (29, 4) one-hot."""
    for _, opinions, _ in opinions_by_note(connection):
        found = {
            (one, other): cells
            for one, other in combinations(sorted(opinions), 2)
            if (cells := _both(opinions[one], opinions[other])).any()
        }
        if found:
            yield found


def _both(one: Cells, other: Cells) -> NDArray[np.int64]:
    """(29, 4) in the order BOTH_NO, FIRST_ONLY, SECOND_ONLY, BOTH_YES; 0 where one is silent."""
    known = (one != UNKNOWN) & (other != UNKNOWN)
    kind = (one == TRUE) * 1 + (other == TRUE) * 2
    return np.eye(4, dtype=np.int64)[kind] * known[:, None]
