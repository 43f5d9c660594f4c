"""How far two forms of the same model agree, in probabilities and in decisions."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from thce.registry.labels import FLAG_NAMES
from thce.registry.onnx_session import Probabilities
from thce.registry.threshold_file import Thresholds
from thce.registry.thresholds import apply


@dataclass(frozen=True)
class Parity:
    """The agreement of one form of a model with a reference over the same notes.

    Attributes:
        notes: how many were compared.
        max_difference: largest absolute difference of any probability.
        mean_difference: mean absolute difference.
        flips: per flag, the decisions that differ, each side with thresholds of its own.
    """

    notes: int
    max_difference: float
    mean_difference: float
    flips: dict[str, int]

    @property
    def flip_rate(self) -> float:
        """The share of all decisions that differ."""
        return sum(self.flips.values()) / (self.notes * len(self.flips))

    def to_dict(self) -> dict[str, Any]:
        """What parity.json holds."""
        return {
            "notes": self.notes,
            "max_difference": self.max_difference,
            "mean_difference": self.mean_difference,
            "flip_rate": self.flip_rate,
            "flips": {name: count for name, count in self.flips.items() if count},
        }


def compare(
    found: Probabilities,
    thresholds: Thresholds,
    reference: Probabilities,
    reference_thresholds: Thresholds,
) -> Parity:
    """Compares two sets of (n, 29) probabilities of the same n notes, n at least 1."""
    difference = np.abs(found.astype(np.float64) - reference)
    flipped = apply(found, thresholds) != apply(reference, reference_thresholds)
    counts = flipped.sum(axis=0).tolist()
    return Parity(
        notes=len(found),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        flips=dict(zip(FLAG_NAMES, counts, strict=True)),
    )
