"""Threshold policies from a grid, and what each decides on notes that it was not fitted on."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from thce.errors import InputError
from thce.evaluation.intervals import Contributions
from thce.evaluation.multilabel import outcomes
from thce.registry.labels import Cells
from thce.registry.seeded_order import seeded_keys
from thce.registry.thresholds import Probabilities, ThresholdPolicy, apply, fit

Grid = Mapping[str, Sequence[Any]]


def policies_of(grids: Sequence[Grid]) -> list[ThresholdPolicy]:
    """Every combination of every grid, each policy once.

    Raises:
        InputError: a grid names an unknown field or a value that the field does not take.
    """
    found: dict[str, ThresholdPolicy] = {}
    for number, grid in enumerate(grids):
        for values in itertools.product(*grid.values()):
            try:
                policy = ThresholdPolicy(**dict(zip(grid, values, strict=True)))
            except ValidationError as error:
                first = error.errors()[0]
                field = ".".join(str(step) for step in first["loc"])
                raise InputError(f"grids.{number}.{field}: {first['msg'].lower()}") from None
            found.setdefault(policy.model_dump_json(), policy)
    return list(found.values())


def named(policy: ThresholdPolicy) -> str:
    """What sets a policy apart, such as `fbeta:2.0, prior 3.0, few 50`."""
    if not policy.shrunk_below:
        return f"{policy.describe()}, exact"
    return f"{policy.describe()}, prior {policy.prior_positives:g}, few {policy.few_positives}"


def group_folds(groups: Sequence[str], folds: int, seed: int, repeat: int) -> NDArray[np.intp]:
    """(n,) the fold of each note: whole groups, whatever the order of the notes.

    Raises:
        InputError: there are fewer groups than folds.
    """
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < folds:
        raise InputError(
            f"folds: {folds} folds of {len(names)} groups of notes; label more notes, or lower it"
        )
    keys = seeded_keys(names.tolist(), seed, f"threshold sweep {repeat}")
    rank = np.empty(len(names), dtype=np.intp)
    rank[np.argsort(keys, kind="stable")] = np.arange(len(names))
    return (rank % folds)[member]


def held_out(
    policy: ThresholdPolicy,
    probabilities: Probabilities,
    label: Cells,
    folds: Sequence[NDArray[np.intp]],
    train_positives: NDArray[np.integer],
) -> Contributions:
    """(n, 3, 29): what each note adds to the counts, judged by thresholds fitted without its fold.

    Args:
        policy: how thresholds are chosen.
        probabilities: (n, 29).
        label: (n, 29) of TRUE, FALSE, UNKNOWN.
        folds: the folds of each repetition, (n,) each; counts are averaged over repetitions.
        train_positives: (29,) positives among the training notes.
    """
    total = np.zeros((len(label), 3, label.shape[1]))
    for fold in folds:
        predicted = np.zeros(label.shape, dtype=bool)
        for left_out in np.unique(fold):
            seen, judged = fold != left_out, fold == left_out
            thresholds = fit(
                probabilities[seen], label[seen], policy, train_positives=train_positives
            )
            predicted[judged] = apply(probabilities[judged], thresholds)
        total += outcomes(label, predicted)
    return total / len(folds)
