"""Decoding: the best sequence that BIO allows, and the confidence of what it spells."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.errors import InputError
from thce.ner.decode import alternative, best_tags, predictions_of
from thce.ner.tags import TagSet
from thce.ner.transitions import Transitions
from thce.ner.words import words_of

TAGS = TagSet.of(["Age", "Sex"])
STEPS = Transitions(np.zeros((5, 5), np.int64), weight=0.0).steps


def allowed(path: tuple[int, ...]) -> bool:
    """Every I (2, 4) after its B (1, 3) or itself."""
    return all(
        tag not in (2, 4) or before in (tag - 1, tag)
        for before, tag in zip((0, *path), path, strict=False)
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.sampled_from([0.0, 0.7]))
def test_no_allowed_sequence_is_better(seed: int, words: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    found = rng.dirichlet(np.full(5, 0.3), words).astype(np.float32)
    counts = rng.integers(0, 9, (5, 5))
    score = np.log(np.maximum(found.astype(np.float64), 1e-12))
    seen = np.log((counts + 0.1) / (counts + 0.1).sum(axis=1, keepdims=True))

    def total(path: tuple[int, ...]) -> float:
        steps = zip((0, *path), path, strict=False)
        said = sum(score[word, tag] for word, tag in enumerate(path))
        return float(said + weight * sum(seen[step] for step in steps))

    best = max(total(path) for path in product(range(5), repeat=words) if allowed(path))
    path = tuple(best_tags(found, Transitions(counts, weight).steps).tolist())
    assert allowed(path)
    assert total(path) == pytest.approx(best)


def test_no_words_have_no_tags() -> None:
    assert best_tags(np.zeros((0, 5), np.float32), STEPS).shape == (0,)


def test_an_inside_without_a_begin_is_repaired() -> None:
    found = np.full((3, 5), 0.01, np.float32)
    found[0, 0], found[1, 2], found[1, 1], found[2, 2] = 0.9, 0.5, 0.4, 0.9
    assert best_tags(found, STEPS).tolist() == [0, 1, 2]


def test_confidence_is_the_least_of_the_words() -> None:
    words = words_of("a 61-year-old man")
    found = np.full((len(words), 5), 0.0, np.float32)
    found[:, 0] = 1.0
    for word, (tag, probability) in enumerate([(1, 0.9), (2, 0.7), (2, 0.8)], start=1):
        found[word] = [1 - probability, 0, 0, 0, 0]
        found[word, tag] = probability
    found[6] = [0.05, 0.3, 0, 0.65, 0]
    first, second = predictions_of("d", words, found, best_tags(found, STEPS), TAGS)
    assert (first.type, first.start, first.end) == ("Age", 2, 9)
    assert first.token_confidences == pytest.approx((0.9, 0.7, 0.8))
    assert first.confidence == pytest.approx(0.7)
    assert (second.type, second.start, second.end) == ("Sex", 14, 17)
    other, confidence = alternative(found, 6, 7, "Sex", TAGS.types)
    assert (other, confidence) == ("Age", pytest.approx(0.3))


def test_a_single_type_has_no_alternative() -> None:
    assert alternative(np.ones((1, 3), np.float32), 0, 1, "Age", ("Age",)) == (None, 0.0)


def test_transitions_are_counted_and_come_back() -> None:
    texts = [np.array([0, 1, 2, 0]), np.array([3]), np.array([], np.int64)]
    found = Transitions.of(texts, 5, 0.5)
    assert found.counts[0].tolist() == [1, 1, 0, 1, 0]
    assert found.counts.sum() == 5
    again = Transitions.from_dict(found.to_dict(), 5, "x")
    np.testing.assert_array_equal(again.steps, found.steps)
    assert found.steps[0, 2] == -np.inf
    assert found.steps[1, 2] > found.steps[1, 0]
    with pytest.raises(InputError, match="not the transitions of 3 tags"):
        Transitions.from_dict(found.to_dict(), 3, "transitions.json")
