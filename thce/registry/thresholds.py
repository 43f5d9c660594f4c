"""Decision thresholds: one per flag, fitted on validation notes, stored beside the weights.

A probability becomes true at or above its flag's threshold. The threshold is the exact best one
on that flag's known cells; where positives are few it is shrunk towards one threshold fitted over
all flags together, since the best cut between a handful of scores is mostly luck. A flag nobody
could learn is dormant: the model abstains on it, and only the deterministic signal speaks.

The reported F1 is cross-fitted: each cell is judged by a threshold that was fitted without it.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.registry.labels import FLAG_NAMES, TRUE, Cells, Flag
from thce.registry.threshold_file import LabelThreshold, Thresholds
from thce.registry.threshold_folds import (
    content_order,
    cross_fitted_f1,
    positives_per_fit,
    stratified_folds,
)
from thce.registry.threshold_search import (
    Bools,
    Floats,
    Folds,
    Ints,
    Objective,
    Scores,
    f_beta,
    pooled,
    recall_at_precision,
    saved_cost,
    sorted_keys,
    thresholds_of,
)

__all__ = ["LabelThreshold", "ThresholdPolicy", "Thresholds", "apply", "fit", "near"]

Probabilities = NDArray[np.floating]
"""(n, 29) in 0..1, in label order."""


class ThresholdPolicy(Config):
    """How thresholds are chosen."""

    objective: Literal["f1", "fbeta", "precision_floor", "cost"] = "f1"
    beta: float = Field(2.0, gt=0, description="of fbeta; above 1 favours recall")
    precision: float = Field(0.9, gt=0, le=1, description="the floor of precision_floor")
    miss_cost: float = Field(5.0, gt=0, description="of cost: false alarms that a miss is worth")
    folds: int = Field(5, ge=2, le=100, description="folds of the cross-fitted F1")
    few_positives: int = Field(50, ge=0, description="flags with fewer positives are shrunk")
    prior_positives: float = Field(
        1.0, gt=0, description="positives at which a flag's own threshold weighs one half"
    )
    min_positives: int = Field(1, ge=1, description="flags with fewer everywhere are dormant")

    def describe(self) -> str:
        """The objective with its parameter, as it stands in thresholds.json."""
        parameter = {
            "f1": "",
            "fbeta": f":{self.beta}",
            "precision_floor": f":{self.precision}",
            "cost": f":{self.miss_cost}",
        }
        return self.objective + parameter[self.objective]

    def to_maximise(self) -> Objective:
        """The objective as a function of counts."""
        if self.objective == "precision_floor":
            return recall_at_precision(self.precision)
        if self.objective == "cost":
            return saved_cost(self.miss_cost)
        return f_beta(1.0 if self.objective == "f1" else self.beta)

    @property
    def shrunk_below(self) -> int:
        """The number of positives below which a flag borrows from the others.

        Nowhere under a precision floor: a promise about one flag is not kept by other flags.
        """
        return 0 if self.objective == "precision_floor" else self.few_positives


def fit(
    probabilities: Probabilities,
    label: Cells,
    policy: ThresholdPolicy,
    weights: str = "fp32",
    train_positives: NDArray[np.integer] | None = None,
) -> Thresholds:
    """Fits the 29 thresholds on validation notes; the order of the notes does not matter.

    A flag with at least `few_positives` positives gets its exact best threshold: on these notes
    none is better. One with fewer, p, is shrunk: on the logit scale its own threshold weighs
    p / (p + prior_positives) and the pooled one the rest. One without any takes the pooled
    threshold where training saw at least `min_positives`, and is dormant otherwise. Under
    `precision_floor` nothing is shrunk or pooled, and a flag whose floor no threshold keeps is
    dormant; so is, under `cost`, a flag on which every threshold costs more than silence.

    Args:
        probabilities: (n, 29) in 0..1.
        label: (n, 29) int8 of TRUE, FALSE, UNKNOWN; unknown cells are not seen.
        policy: how to choose.
        weights: the weights that gave the probabilities.
        train_positives: (29,) positives among the training notes; None when not known.

    Raises:
        InputError: there is no note, or a probability is NaN or outside 0..1.
    """
    if not len(label):
        raise InputError("no validation notes to fit thresholds on; give more labelled notes")
    scores = _scores(probabilities)
    order = content_order(scores, label)
    score = np.ascontiguousarray(scores[order].T)
    cells = np.ascontiguousarray(label[order].T)
    positive = cells == TRUE
    fold = stratified_folds(cells, policy.folds)
    positives = positives_per_fit(positive, fold, policy.folds)
    learned = positives[:, -1]
    if train_positives is not None:
        learned = np.maximum(learned, train_positives)

    fitted, shared = _fit_folds(score, positive, fold, positives, policy)
    fitted[learned < policy.min_positives] = np.nan
    f1 = cross_fitted_f1(score, positive, fold, fitted)
    return Thresholds(
        weights=weights,
        objective=policy.describe(),
        pooled=_number(shared),
        labels={
            flag: _label_threshold(fitted[row, -1], f1[row], int(positives[row, -1]), policy)
            for row, flag in enumerate(Flag)
        },
    )


def apply(probabilities: Probabilities, thresholds: Thresholds) -> Bools:
    """(n, 29) what the model predicts; false throughout for a dormant flag.

    Raises:
        InputError: a probability is NaN or outside 0..1.
    """
    return np.greater_equal(_scores(probabilities), thresholds.values)


def near(probabilities: Probabilities, thresholds: Thresholds, band: float) -> Bools:
    """(n,) whether any probability lies within `band` of its flag's threshold.

    Raises:
        InputError: a probability is NaN or outside 0..1.
    """
    distance: Floats = np.abs(_scores(probabilities) - thresholds.values)
    close: Bools = distance <= band
    return np.logical_or.reduce(close, axis=1)


def _fit_folds(
    score: Scores, positive: Bools, fold: Folds, positives: Ints, policy: ThresholdPolicy
) -> tuple[Floats, float]:
    """(29, folds + 1) thresholds, each fit shrunk where it saw few, and the pooled one on all."""
    objective = policy.to_maximise()
    keys = sorted_keys(score, positive, fold)
    own = thresholds_of(keys, policy.folds, objective)
    few = positives < policy.shrunk_below
    if not few.any():
        return own, np.nan
    shared = thresholds_of(pooled(keys), policy.folds, objective)[0]
    shrunk = _shrink(own, shared, positives, policy.prior_positives)
    return np.where(few, shrunk, own), shared[-1]


def _shrink(own: Floats, pooled: Floats, positives: Ints, prior: float) -> Floats:
    """Each fit's thresholds moved towards its pooled one, on the logit scale."""
    weight = positives / (positives + prior)
    moved = weight * _logit(own) + (1 - weight) * _logit(pooled)
    return np.where(positives > 0, 1 / (1 + np.exp(-moved)), pooled)


def _logit(probability: Floats) -> Floats:
    inside = np.clip(probability, 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))


def _label_threshold(
    threshold: float, f1: float, positives: int, policy: ThresholdPolicy
) -> LabelThreshold:
    value = _number(threshold)
    if value is None:
        return LabelThreshold(None, None, positives, "dormant")
    if not positives:
        return LabelThreshold(value, None, 0, "pooled")
    few = positives < policy.shrunk_below
    return LabelThreshold(value, float(f1), positives, "shrunk" if few else "exact")


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _scores(probabilities: Probabilities) -> Scores:
    """The probabilities as the float32 that models give, without negative zero; checked."""
    if not (probabilities.min(initial=0) >= 0 and probabilities.max(initial=0) <= 1):
        inside: Bools = (probabilities >= 0) & (probabilities <= 1)
        wrong = np.flatnonzero(~np.logical_and.reduce(inside, axis=0))
        names = ", ".join(FLAG_NAMES[column] for column in wrong)
        raise InputError(
            f"probabilities of {names} are NaN or outside 0..1; the weights are damaged or their "
            "training diverged: check the bundle, or train again with a lower learning rate"
        )
    return np.abs(probabilities).astype(np.float32)
