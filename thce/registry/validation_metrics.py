"""What the model alone scores on its validation notes, with thresholds that never saw the note."""

import numpy as np

from thce.bundles.manifest import Metric
from thce.evaluation.intervals import bootstrap
from thce.evaluation.multilabel import macro_f1, micro_f1, outcomes
from thce.registry.dataset import Split
from thce.registry.onnx_session import Probabilities
from thce.registry.thresholds import ThresholdPolicy, apply, fit


def validation_metrics(
    probabilities: Probabilities, validation: Split, policy: ThresholdPolicy
) -> dict[str, Metric]:
    """Micro and macro F1 with bootstrap intervals over groups of near-duplicates.

    Groups are dealt into `policy.folds` folds; each fold is judged by thresholds fitted on the
    others. The weights themselves were chosen on these notes, so the figures flatter: they say
    whether a training went well, and the frozen test says how good the model is.

    Args:
        probabilities: (n, 29) of the weights that answer by default.
        validation: the n notes.
        policy: how thresholds are chosen.

    Returns:
        The metrics that are defined: none without a known positive, or with a single group.
    """
    _, group = np.unique(np.asarray(validation.groups), return_inverse=True)
    folds = min(policy.folds, int(group.max()) + 1)
    if folds < 2:
        return {}
    fold = group % folds
    predicted = np.zeros(probabilities.shape, dtype=bool)
    for held_out in range(folds):
        rows, others = fold == held_out, fold != held_out
        thresholds = fit(probabilities[others], validation.label[others], policy)
        predicted[rows] = apply(probabilities[rows], thresholds)
    found = bootstrap(
        outcomes(validation.label, predicted),
        {"val_micro_f1": micro_f1, "val_macro_f1": macro_f1},
        groups=validation.groups,
    )
    where = f"{len(predicted)} validation notes, model alone, thresholds cross-fitted"
    return {
        name: Metric(value=one.estimate, low=one.low, high=one.high, on=where)
        for name, one in found.items()
        if not np.isnan([one.estimate, one.low, one.high]).any()
    }
