"""Calibration finds what was put in, keeps order, and is worth something on other documents."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from perturbed_entities import Perturbed, perturbed

from thce.ner.calibrate import (
    SpanMap,
    fit_span_map,
    fit_temperature,
    log_loss,
    log_odds,
    scale,
    sigmoid,
)
from thce.ner.confidence import (
    Scored,
    analyse_confidence,
    confidences,
    fit,
    missed_probability,
    raw_confidence,
)
from thce.ner.documents import Document, Entity
from thce.ner.matching import match
from thce.ner.mentions import predicted_of
from thce.ner.token_table import Tokens, rows_within


def scored(made: Perturbed) -> Scored:
    return Scored(made.documents, match(made.documents, made.predictions), made.tokens)


def drawn_tokens(temperature: float, words: int = 6000, tags: int = 7) -> Tokens:
    """Words whose tags are drawn from the softmax that the stated one, at `temperature`, gives."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (words, tags))
    stated = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    true = scale(stated, temperature)
    gold = (true.cumsum(axis=1) > rng.random((words, 1))).argmax(axis=1)
    return Tokens(
        document=np.repeat("d", words),
        start=np.arange(words),
        end=np.arange(words) + 1,
        gold=gold,
        predicted=stated.argmax(axis=1),
        probability=stated.astype(np.float32),
        tags=("O", *(f"{part}-{kind}" for kind in "XYZ" for part in "BI")),
    )


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_the_temperature_that_was_put_in_is_found(temperature: float) -> None:
    tokens = drawn_tokens(temperature)
    found = fit_temperature(tokens)
    assert found == pytest.approx(temperature, rel=0.06)
    losses = [log_loss(tokens, found * factor) for factor in (0.8, 1.0, 1.25)]
    assert losses[1] == min(losses)


def test_a_higher_temperature_makes_less_sure_and_one_changes_nothing() -> None:
    probability = drawn_tokens(1.0, words=50).probability
    np.testing.assert_allclose(scale(probability, 1.0), probability, rtol=1e-5)
    assert (scale(probability, 2.0).max(axis=1) < probability.max(axis=1)).all()
    assert (scale(probability, 2.0).argmax(axis=1) == probability.argmax(axis=1)).all()
    np.testing.assert_allclose(scale(probability, 3.0).sum(axis=1), 1.0)


def test_the_span_map_that_was_put_in_is_found() -> None:
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 0.999, 20_000)
    true = SpanMap(0.7, -0.8)
    right = rng.random(20_000) < true.apply(confidence)
    found = fit_span_map(confidence, right)
    assert found.slope == pytest.approx(0.7, abs=0.05)
    assert found.shift == pytest.approx(-0.8, abs=0.08)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30),
    st.lists(st.floats(0, 1), min_size=2, max_size=10),
)
def test_the_span_map_keeps_order_whatever_it_was_fitted_on(
    fitted_on: list[tuple[float, bool]], asked: list[float]
) -> None:
    confidence, right = (np.array(column) for column in zip(*fitted_on, strict=True))
    found = fit_span_map(confidence, right).apply(np.sort(np.array(asked)))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


@given(st.floats(0.01, 0.99), st.floats(0.2, 5), st.floats(-2, 2))
def test_a_span_map_can_be_undone(chance: float, slope: float, shift: float) -> None:
    one = SpanMap(slope, shift)
    raw = one.invert(chance)
    assert 0 <= raw <= 1
    if 1e-5 < raw < 1 - 1e-5:
        assert one.apply(np.array([raw]))[0] == pytest.approx(chance, abs=1e-6)


@given(st.floats(-12, 12))
def test_log_odds_and_sigmoid_undo_each_other(odds: float) -> None:
    assert log_odds(sigmoid(np.array([odds])))[0] == pytest.approx(odds, abs=1e-6)


def test_calibration_fitted_on_some_documents_is_worth_something_on_others() -> None:
    validation, test = (
        scored(perturbed(20, seed=11, mentions=30)),
        scored(perturbed(30, seed=12, mentions=30)),
    )
    found = analyse_confidence([(test, fit(validation))])
    error = {one.scale: one.spans.error for one in found.qualities}
    assert error["calibrated"].high < error["raw"].low
    assert error["temperature"].estimate < error["raw"].estimate
    assert found.loss_after < found.loss_before
    assert found.right.mean() > found.wrong.mean()
    predicted = len(found.right) + len(found.wrong)
    assert predicted == len(predicted_of(test.outcomes))


def test_a_spans_confidence_is_the_least_of_its_words() -> None:
    one = scored(perturbed(8, seed=4))
    calibrator = fit(one)
    same = confidences(one, replace(calibrator, temperature=1.0), "temperature")
    np.testing.assert_allclose(same, raw_confidence(one), atol=1e-6)
    hotter = confidences(one, replace(calibrator, temperature=2.0), "temperature")
    assert (hotter < raw_confidence(one)).all()


def test_what_a_missed_annotation_was_given_is_read_from_its_words() -> None:
    text = "mild fever today"
    document = Document("d", text, (Entity("T1", "A", ((0, 10),), "mild fever"),))
    unknown = Document("e", "pain", (Entity("T1", "Unseen", ((0, 4),), "pain"),))
    tokens = Tokens(
        document=np.array(["d", "d", "d", "e"]),
        start=np.array([0, 5, 11, 0]),
        end=np.array([4, 10, 16, 4]),
        gold=np.array([1, 2, 0, 0]),
        predicted=np.array([0, 0, 0, 0]),
        probability=np.array(
            [[0.6, 0.3, 0.1], [0.8, 0.15, 0.05], [1, 0, 0], [0.9, 0.1, 0]], dtype=np.float32
        ),
        tags=("O", "B-A", "I-A"),
    )
    given_to = missed_probability(
        Scored([document, unknown], match([document, unknown], []), tokens)
    )
    np.testing.assert_allclose(given_to, [0.2, 0.0], atol=1e-6)
    assert rows_within(tokens, [("d", 3, 6), ("d", 4, 5), ("absent", 0, 3)]) == [
        slice(0, 2),
        slice(1, 1),
        slice(0, 0),
    ]
