"""Cohen's kappa per label, over pairs of annotators."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.evaluation.agreement import kappas, measure_agreement


def pairs_of(answers: np.ndarray) -> np.ndarray:
    """(notes, pairs, L, 4) of (annotators, notes, L) yes and no."""
    annotators = len(answers)
    pairs = [(i, j) for i in range(annotators) for j in range(i + 1, annotators)]
    kinds = np.stack([answers[i] + 2 * answers[j] for i, j in pairs], axis=1)
    return np.eye(4, dtype=np.int64)[kinds]


def plain_kappa(one: list[int], other: list[int]) -> float:
    """As a textbook writes it, over two lists of yes and no."""
    notes = len(one)
    agreed = sum(a == b for a, b in zip(one, other, strict=True)) / notes
    yes, other_yes = sum(one) / notes, sum(other) / notes
    chance = yes * other_yes + (1 - yes) * (1 - other_yes)
    return (agreed - chance) / (1 - chance)


def test_the_textbooks_example() -> None:
    counts = np.array([15.0, 5.0, 10.0, 20.0]).reshape(1, 1, 4)
    assert kappas(counts) == pytest.approx(0.4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 30))
def test_it_is_the_textbooks_kappa_for_any_answers(seed: int, notes: int) -> None:
    answers = np.random.default_rng(seed).integers(0, 2, size=(2, notes, 3))
    found = kappas(pairs_of(answers).sum(axis=0).astype(float))
    for label in range(3):
        one, other = answers[0, :, label].tolist(), answers[1, :, label].tolist()
        if len({*one, *other}) > 1:
            assert found[label] == pytest.approx(plain_kappa(one, other))
        else:
            assert np.isnan(found[label])


def test_among_three_it_is_the_mean_over_pairs() -> None:
    answers = np.random.default_rng(3).integers(0, 2, size=(3, 40, 1))
    pairs = pairs_of(answers)
    each = [float(kappas(pairs[:, [pair]].sum(axis=0).astype(float))[0]) for pair in range(3)]
    found = measure_agreement(pairs, ["a", "b", "c"], ["x"])
    assert found.labels[0].kappa.estimate == pytest.approx(np.mean(each))
    assert found.labels[0].compared == 120


def test_the_interval_holds_the_estimate_and_does_not_depend_on_the_order_of_notes() -> None:
    generator = np.random.default_rng(5)
    truth = generator.integers(0, 2, size=(60, 2))
    noisy = np.where(generator.random((2, 60, 2)) < 0.1, 1 - truth, truth)
    pairs = pairs_of(noisy)
    found = measure_agreement(pairs, ["a", "b"], ["x", "y"])
    assert 0 < found.mean_kappa.low < found.mean_kappa.estimate < found.mean_kappa.high < 1
    shuffled = measure_agreement(pairs[generator.permutation(60)], ["a", "b"], ["x", "y"])
    assert shuffled.mean_kappa == found.mean_kappa


def test_a_label_that_nobody_ticks_has_no_kappa_and_does_not_count_in_the_mean() -> None:
    answers = np.zeros((2, 10, 2), dtype=np.int64)
    answers[:, :4, 0] = 1
    found = measure_agreement(pairs_of(answers), ["a", "b"], ["seen", "never"])
    assert np.isnan(found.labels[1].kappa.estimate)
    assert found.mean_kappa.estimate == pytest.approx(1.0)
    assert found.to_dict()["labels"][1]["kappa"]["estimate"] is None
