"""What a task ticks beforehand, and what its meta tells of model, codes and rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from thce.registry.candidates import Candidates, counted_disagreements
from thce.registry.labels import FLAG_NAMES, FLAGS, TRUE, Flag

PROBABILITY_DIGITS = 4


@dataclass(frozen=True)
class Opinions:
    """The flags that each side accepts in one note, in canonical order.

    Attributes:
        model: accepted by the model; empty without one.
        codes: implied by the billing codes alone.
        rules: accepted by form, codes and text together.
        counted: flags on which model and rules are at odds and both can speak.
        probabilities: of the model, by flag; empty without one.
    """

    model: tuple[Flag, ...]
    codes: tuple[Flag, ...]
    rules: tuple[Flag, ...]
    counted: tuple[Flag, ...]
    probabilities: dict[str, float]

    @property
    def prefill(self) -> tuple[Flag, ...]:
        """The union of model and codes."""
        return tuple(flag for flag in FLAGS if flag in self.model or flag in self.codes)

    @property
    def model_only(self) -> tuple[Flag, ...]:
        """Accepted by the model, not implied by a code."""
        return tuple(flag for flag in self.model if flag not in self.codes)

    @property
    def codes_only(self) -> tuple[Flag, ...]:
        """Implied by a code, not accepted by the model."""
        return tuple(flag for flag in self.codes if flag not in self.model)

    def meta(
        self, strategy: str, model_version: str | None, cpt_codes: list[str]
    ) -> dict[str, Any]:
        """The task's meta, JSON values only.

        `disagreement_score` is the raw |ml_only| + |cpt_only|, whether or not the codes could
        have spoken; `counted_disagreement_score` counts what `disagreement` ranks by.
        """
        return {
            "ml_accept": list(self.model),
            "cpt_accept": list(self.codes),
            "ml_only": list(self.model_only),
            "cpt_only": list(self.codes_only),
            "rule_accept": list(self.rules),
            "disagreement_score": len(self.model_only) + len(self.codes_only),
            "counted_disagreement_score": len(self.counted),
            "strategy": strategy,
            "probabilities": self.probabilities,
            "cpt_codes": cpt_codes,
            "model_version": model_version,
        }


def opinions_of(candidates: Candidates, rows: np.ndarray) -> list[Opinions]:
    """The opinions on some of the candidates.

    Args:
        candidates: the pool.
        rows: positions in it.
    """
    counted = counted_disagreements(candidates)[rows]
    codes = candidates.cpt[rows] == TRUE
    rules = candidates.deterministic[rows] == TRUE
    model = candidates.model
    accepted = np.zeros_like(codes) if model is None else model.accept[rows]
    return [
        Opinions(
            model=_flags(accepted[position]),
            codes=_flags(codes[position]),
            rules=_flags(rules[position]),
            counted=_flags(counted[position]),
            probabilities=_probabilities(candidates, int(row)),
        )
        for position, row in enumerate(rows)
    ]


def _flags(accepted: np.ndarray) -> tuple[Flag, ...]:
    return tuple(FLAGS[position] for position in np.flatnonzero(accepted))


def _probabilities(candidates: Candidates, row: int) -> dict[str, float]:
    if candidates.model is None:
        return {}
    rounded = np.round(candidates.model.probabilities[row].astype(np.float64), PROBABILITY_DIGITS)
    return dict(zip(FLAG_NAMES, rounded.tolist(), strict=True))
