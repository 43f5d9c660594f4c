"""Confident learning: planted label errors come first, and honest labels are left alone."""

import numpy as np
import pytest

from thce.evaluation.confident_learning import audit


def corpus(
    rng: np.random.Generator, notes: int = 400, labels: int = 6, skill: float = 3.0
) -> tuple[np.ndarray, np.ndarray]:
    """True labels, some of them rare, and the probabilities of a model of some skill."""
    truth = (rng.random((notes, labels)) < np.linspace(0.02, 0.4, labels)).astype(np.int8)
    score = rng.normal(0, 1, truth.shape) + skill * (truth - 0.5)
    return truth, 1 / (1 + np.exp(-score))


def flip(rng: np.random.Generator, truth: np.ndarray, count: int) -> tuple[np.ndarray, set]:
    """Turns over so many cells, half of them true ones."""
    label = truth.copy()
    chosen = set()
    for value in (0, 1):
        cells = np.argwhere(truth == value)
        for row, column in cells[rng.choice(len(cells), count // 2, replace=False)]:
            label[row, column] = 1 - value
            chosen.add((int(row), int(column)))
    return label, chosen


def test_planted_errors_stand_at_the_top() -> None:
    rng = np.random.default_rng(0)
    truth, probability = corpus(rng, skill=5.0)
    label, planted = flip(rng, truth, 40)
    found = audit(probability, label)
    first = [(one.row, one.column) for one in found.suspects[:40]]
    hits = len(planted.intersection(first))
    assert hits >= 0.7 * 40
    assert hits >= 0.9 * len(first), "hardly an honest label among them"
    for one in found.suspects:
        assert one.given == (label[one.row, one.column] == 1)
        assert one.probability == probability[one.row, one.column]
    margins = [one.margin for one in found.suspects]
    assert margins == sorted(margins, reverse=True)


def test_the_number_of_errors_is_estimated_and_small_without_any() -> None:
    rng = np.random.default_rng(1)
    truth, probability = corpus(rng, notes=2000, skill=8.0)
    clean = audit(probability, truth)
    assert clean.errors.sum() < 0.01 * truth.size
    label, _ = flip(rng, truth, 400)
    assert audit(probability, label).errors.sum() == pytest.approx(400, rel=0.35)


def test_a_single_weak_positive_does_not_accuse_every_note() -> None:
    """Its own mean alone would put the threshold at 0.03, above which every cell lies."""
    rng = np.random.default_rng(2)
    truth, probability = corpus(rng, labels=6, skill=6.0)
    truth[:, 0] = 0
    truth[0, 0] = 1
    probability[:, 0] = rng.uniform(0.03, 0.1, len(truth))
    probability[0, 0] = 0.03
    accused = [one for one in audit(probability, truth).suspects if one.column == 0]
    assert [one.row for one in accused] in ([], [0])


def test_unknown_cells_are_neither_used_nor_suspected() -> None:
    rng = np.random.default_rng(3)
    truth, probability = corpus(rng)
    hidden = truth.copy()
    hidden[::3] = -1
    found = audit(probability, hidden)
    assert all(one.row % 3 for one in found.suspects)
    kept = np.arange(len(truth)) % 3 > 0
    assert found.errors == pytest.approx(audit(probability[kept], truth[kept]).errors)


def test_no_label_at_all_finds_nothing() -> None:
    found = audit(np.full((4, 2), 0.9), np.full((4, 2), -1, np.int8))
    assert found.suspects == ()
    assert found.errors.sum() == 0
