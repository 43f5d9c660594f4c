"""The notes that a person could be asked about, and where model and deterministic side differ."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import FLAG_NAMES, TRUE, UNKNOWN, Cells


@dataclass(frozen=True)
class ModelView:
    """What one model said of the candidates.

    Attributes:
        probabilities: (n, 29).
        thresholds: (29,); infinity where the model is dormant and abstains, as
            `Thresholds.values` has it.
        accept: bool (n, 29), the flags that the model accepted.
    """

    probabilities: NDArray[np.floating]
    thresholds: NDArray[np.floating]
    accept: NDArray[np.bool_]

    @property
    def speaks(self) -> NDArray[np.bool_]:
        """(29,) flags on which the model does not abstain."""
        return np.isfinite(self.thresholds)


@dataclass(frozen=True)
class Candidates:
    """The pool to choose from, one row per note; the order of rows does not matter.

    Attributes:
        encounter_ids: one per note.
        deterministic: int8 (n, 29): form, codes and text together; UNKNOWN where they cannot
            speak.
        cpt: int8 (n, 29): what the billing codes alone imply.
        label_counts: (29,) positives that people have labelled so far.
        model: None while there is no model.
        groups: (n,) near-duplicate groups, so that a batch does not ask the same twice.
    """

    encounter_ids: list[str]
    deterministic: Cells
    cpt: Cells
    label_counts: NDArray[np.integer]
    model: ModelView | None = None
    groups: NDArray[np.integer] | None = None

    def __len__(self) -> int:
        return len(self.encounter_ids)

    def take(self, rows: NDArray[np.integer], groups: NDArray[np.integer]) -> "Candidates":
        """Some of the candidates, with their near-duplicate groups."""
        model = self.model
        return Candidates(
            encounter_ids=[self.encounter_ids[row] for row in rows],
            deterministic=self.deterministic[rows],
            cpt=self.cpt[rows],
            label_counts=self.label_counts,
            model=model
            and ModelView(model.probabilities[rows], model.thresholds, model.accept[rows]),
            groups=groups,
        )


def counted_disagreements(candidates: Candidates) -> NDArray[np.bool_]:
    """Where model and deterministic side are at odds, bool (n, 29).

    A flag counts only where both can speak: the deterministic side knows the cell in that note
    and the model does not abstain on the flag. A missing code is not a contradiction.
    """
    if candidates.model is None:
        return np.zeros(candidates.deterministic.shape, dtype=bool)
    speak = (candidates.deterministic != UNKNOWN) & candidates.model.speaks
    return speak & (candidates.model.accept != (candidates.deterministic == TRUE))


def disagreement_rate(candidates: Candidates) -> dict[str, Any]:
    """How often model and deterministic side are at odds.

    Returns:
        `notes`: share of notes with a counted disagreement; `flags`: per flag, its share of the
        notes in which both sides speak, None where they never do. Without a model or a note,
        `notes` is None and `flags` empty.
    """
    if candidates.model is None or not len(candidates):
        return {"notes": None, "flags": {}}
    counted = counted_disagreements(candidates)
    speak = ((candidates.deterministic != UNKNOWN) & candidates.model.speaks).sum(axis=0)
    return {
        "notes": float(counted.any(axis=1).mean()),
        "flags": {
            flag: float(counted[:, position].sum() / speak[position]) if speak[position] else None
            for position, flag in enumerate(FLAG_NAMES)
        },
    }
