"""Which tag follows which: what BIO forbids, and how often the rest was seen in training.

A softmax judges each word alone. Added to it, with a weight, the log probability of each step
between neighbouring tags makes the best sequence one that the training data speaks for; it costs
nothing to train and won two points of strict F1 (docs/log.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from thce.errors import InputError

SMOOTHING = 0.1
"""Times that every step counts as seen on top of what was."""

Steps = NDArray[np.float64]
"""(tags, tags): what the step from a tag to a tag adds to the score; -inf where BIO forbids it."""


@dataclass(frozen=True)
class Transitions:
    """The steps seen in training and how much they weigh.

    Attributes:
        counts: (tags, tags) how often a tag was followed by a tag; a text begins after O.
        weight: of the log probabilities; 0 leaves only what BIO forbids.
    """

    counts: NDArray[np.int64]
    weight: float

    @classmethod
    def of(cls, sequences: Iterable[NDArray[np.int64]], tags: int, weight: float) -> "Transitions":
        """Counts the steps of tagged texts."""
        counts = np.zeros((tags, tags), dtype=np.int64)
        for sequence in sequences:
            np.add.at(counts, (np.concatenate([[0], sequence[:-1]])[: len(sequence)], sequence), 1)
        return cls(counts, weight)

    @cached_property
    def steps(self) -> Steps:
        """What each step adds to the score of a sequence."""
        seen = self.counts + SMOOTHING
        steps = self.weight * np.log(seen / seen.sum(axis=1, keepdims=True))
        inside = np.arange(2, len(steps), 2)
        forbidden = np.zeros(steps.shape, dtype=np.bool_)
        forbidden[:, inside] = True
        forbidden[inside - 1, inside] = forbidden[inside, inside] = False
        return np.where(forbidden, -np.inf, steps)

    def to_dict(self) -> dict[str, object]:
        """What transitions.json holds."""
        rows, columns = np.nonzero(self.counts)
        seen = zip(
            rows.tolist(), columns.tolist(), self.counts[rows, columns].tolist(), strict=True
        )
        return {"weight": self.weight, "seen": [list(step) for step in seen]}

    @classmethod
    def from_dict(cls, content: Mapping[str, object], tags: int, where: str) -> "Transitions":
        """Reads what `to_dict` gave.

        Raises:
            InputError: it is something else, or of other tags.
        """
        counts = np.zeros((tags, tags), dtype=np.int64)
        try:
            seen = np.array(content["seen"], dtype=np.int64).reshape(-1, 3)
            counts[seen[:, 0], seen[:, 1]] = seen[:, 2]
            return cls(counts, float(content["weight"]))  # type: ignore[arg-type]
        except (KeyError, IndexError, TypeError, ValueError):
            raise InputError(f"{where}: not the transitions of {tags} tags") from None
