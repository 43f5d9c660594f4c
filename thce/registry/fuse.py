"""Joining the model's answer with what codes, form and keywords say, flag by flag."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from thce.config import Config
from thce.errors import InputError
from thce.files import read_json, write_json
from thce.registry.evidence import ACCEPT_ABOVE, FEATURES, PRIOR, Sources, log_odds
from thce.registry.hydrated import matrix
from thce.registry.labels import FALSE, TRUE, Cells
from thce.registry.onnx_session import Probabilities
from thce.registry.signals import unbilled
from thce.registry.threshold_file import Thresholds
from thce.registry.thresholds import apply, near

Bools = NDArray[np.bool_]
Policy = Literal["weighted", "model", "rule", "union", "veto_union"]

MODEL, RULE, BOTH = 1, 2, 3
SOURCE_NAMES = {MODEL: "model", RULE: "rule", BOTH: "both"}


@dataclass(frozen=True)
class Signals:
    """What the deterministic side says of n notes.

    Attributes:
        label: (n, 29) cells of all its sources together, the stronger tier over the weaker.
        sources: the cells of form, codes and text, each alone.
        disputed: (n,) whether a billed code has no support in the note.
    """

    label: Cells
    sources: Sources
    disputed: Bools

    @property
    def found(self) -> Bools:
        """(n, 29) flags that any deterministic source found."""
        sources = self.sources
        return (sources.form == TRUE) | (sources.code == TRUE) | (sources.text == TRUE)

    @classmethod
    def from_table(cls, hydrated: pa.Table) -> "Signals":
        """Takes the columns that `thce.registry.hydrate` added."""
        codes = hydrated["disputed_codes"].combine_chunks()
        return cls(
            label=matrix(hydrated, "label"),
            sources=Sources(
                form=matrix(hydrated, "structured_signal"),
                code=matrix(hydrated, "cpt_signal"),
                unbilled=unbilled(
                    matrix(hydrated, "cpt_signal"), hydrated["cpt_codes"].to_pylist()
                ),
                text=matrix(hydrated, "keyword_signal"),
                text_confidence=matrix(hydrated, "keyword_confidence"),
            ),
            disputed=np.diff(codes.offsets.to_numpy()) > 0,
        )


@dataclass(frozen=True)
class Fused:
    """The joint answer on n notes.

    Attributes:
        accept: (n, 29) flags found.
        source: (n, 29) uint8: MODEL, RULE or BOTH where accepted, 0 elsewhere.
        needs_review: (n,) whether a person should look.
    """

    accept: Bools
    source: NDArray[np.uint8]
    needs_review: Bools


def model_only(model: Bools, signals: Signals) -> tuple[Bools, Bools]:
    """Each policy: (model's flags, signals) -> the flags that model and rules may each accept."""
    return model, np.zeros_like(model)


def rule_only(model: Bools, signals: Signals) -> tuple[Bools, Bools]:
    """The deterministic side alone."""
    return np.zeros_like(model), signals.label == TRUE


def union(model: Bools, signals: Signals) -> tuple[Bools, Bools]:
    """A flag is accepted when either side finds it."""
    return model, signals.label == TRUE


def veto_union(model: Bools, signals: Signals) -> tuple[Bools, Bools]:
    """The union, but a structured form that says false overrules the model."""
    return model & (signals.sources.form != FALSE), signals.label == TRUE


SET_POLICIES: dict[Policy, Callable[[Bools, Signals], tuple[Bools, Bools]]] = {
    "model": model_only,
    "rule": rule_only,
    "union": union,
    "veto_union": veto_union,
}


class Fusion(Config):
    """How a bundle joins model and rules; fusion.json holds its fields.

    Attributes:
        policy: `weighted` adds up what each source says (`thce.registry.evidence`); the others
            take one side or both as they are (`SET_POLICIES`).
        weights: of the `weighted` policy, by feature; None takes its prior.
        band: a probability at most this far from its threshold asks for review.
    """

    policy: Policy = "weighted"
    weights: dict[str, float] | None = None
    band: float = Field(default=0.05, ge=0.0, le=1.0)

    @field_validator("weights")
    @classmethod
    def _one_weight_per_feature(cls, weights: dict[str, float] | None) -> dict[str, float] | None:
        if weights is not None and set(weights) != set(FEATURES):
            raise ValueError(f"give one weight for each of {', '.join(FEATURES)}")
        return weights

    @classmethod
    def load(cls, path: Path) -> "Fusion":
        """Reads what `save` wrote.

        Raises:
            InputError: it is not a fusion this version knows.
        """
        try:
            return cls.model_validate(read_json(path))
        except ValidationError:
            known = ", ".join(get_args(Policy))
            raise InputError(
                f"{path}: give policy (one of {known}), weights by feature and band (0 to 1)"
            ) from None

    def save(self, path: Path) -> None:
        """Writes fusion.json, the prior spelled out: a later one does not change a bundle."""
        weights = PRIOR if self.policy == "weighted" and self.weights is None else self.weights
        write_json(path, self.model_copy(update={"weights": weights}).model_dump())

    def fuse(self, probabilities: Probabilities, thresholds: Thresholds, signals: Signals) -> Fused:
        """Joins both sides.

        A dormant label is never accepted on the model's word, so its source can only be RULE.

        Args:
            probabilities: (n, 29) from the weights that the thresholds belong to.
            thresholds: of those weights.
            signals: of the same n notes.
        """
        model = apply(probabilities, thresholds)
        if self.policy == "weighted":
            accept = self.certainty(probabilities, thresholds, signals) > ACCEPT_ABOVE
            by_model, by_rule = model & accept, signals.found & accept
        else:
            by_model, by_rule = SET_POLICIES[self.policy](model, signals)
        source = (by_model * MODEL + by_rule * RULE).astype(np.uint8)
        return Fused(
            accept=source > 0,
            source=source,
            needs_review=self._needs_review(probabilities, thresholds, model, signals),
        )

    def certainty(
        self, probabilities: Probabilities, thresholds: Thresholds, signals: Signals
    ) -> NDArray[np.float64]:
        """(n, 29) log-odds that each flag is true; the model's margin where nothing is weighed.

        Args:
            probabilities: (n, 29) from the weights that the thresholds belong to.
            thresholds: of those weights.
            signals: of the same n notes.
        """
        margin = model_margin(probabilities, thresholds)
        if self.policy != "weighted":
            return margin
        weights = PRIOR if self.weights is None else self.weights
        return log_odds(margin, signals.sources, weights)

    def _needs_review(
        self, probabilities: Probabilities, thresholds: Thresholds, model: Bools, signals: Signals
    ) -> Bools:
        unsure = near(probabilities, thresholds, self.band)
        speaks = (signals.label == TRUE) | (signals.label == FALSE)
        at_odds = speaks & ~thresholds.dormant & (model != (signals.label == TRUE))
        return unsure | at_odds.any(axis=1) | signals.disputed


def model_margin(probabilities: Probabilities, thresholds: Thresholds) -> NDArray[np.float64]:
    """(n, 29) log-odds of the model above its threshold; 0 where it abstains."""
    above = _logit(probabilities.astype(np.float64)) - _logit(thresholds.values)
    return np.where(thresholds.dormant, 0.0, above)


def _logit(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))
