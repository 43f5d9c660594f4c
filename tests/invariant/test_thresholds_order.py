"""The same validation notes give the same thresholds, however they arrive."""

import numpy as np
import pytest

from thce.registry.labels import N_FLAGS, UNKNOWN
from thce.registry.thresholds import ThresholdPolicy, fit

POLICIES = [
    ThresholdPolicy(few_positives=15),
    ThresholdPolicy(objective="fbeta", few_positives=15, folds=3),
    ThresholdPolicy(objective="precision_floor", precision=0.95),
]


def notes(count: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    label = (rng.random((count, N_FLAGS)) < 0.15).astype(np.int8)
    score = 1 / (1 + np.exp(-(rng.normal(size=label.shape) + 2 * label - 1)))
    label[::7, ::3] = UNKNOWN
    return score.astype(np.float32), label


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.objective)
def test_order_of_the_notes_changes_nothing(policy: ThresholdPolicy) -> None:
    score, label = notes(100)
    score[50:60], label[50:60] = score[:10], label[:10]
    fitted = fit(score, label, policy)
    assert len({found.method for found in fitted.labels.values()}) > 1
    for seed in range(5):
        shuffled = np.random.default_rng(seed).permutation(len(score))
        assert fit(score[shuffled], label[shuffled], policy) == fitted


def test_float64_probabilities_give_what_float32_gives() -> None:
    score, label = notes(100)
    assert fit(score.astype(np.float64), label, POLICIES[0]) == fit(score, label, POLICIES[0])
