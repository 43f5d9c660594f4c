"""Weighing sources: what the fitted prior decides; answers move it, unknown cells do not."""

import numpy as np
import pytest

from thce.registry.evidence import (
    ACCEPT_ABOVE,
    FEATURES,
    PRIOR,
    Sources,
    fit_weights,
    log_odds,
)
from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN


def _sources(n: int, **cells: float) -> Sources:
    def filled(name: str) -> np.ndarray:
        return np.full((n, N_FLAGS), cells.get(name, UNKNOWN), np.int8)

    confidence = {TRUE: 0.6, FALSE: 0.3, UNKNOWN: 0.0}[cells.get("text", UNKNOWN)]
    return Sources(
        filled("form"),
        filled("code"),
        np.full((n, N_FLAGS), bool(cells.get("unbilled"))),
        filled("text"),
        np.full((n, N_FLAGS), cells.get("confidence", confidence), np.float32),
    )


@pytest.mark.parametrize(
    ("said", "margin", "expected"),
    [
        ({"text": TRUE}, 0.0, True),
        ({"text": TRUE}, -4.0, True),
        ({"text": TRUE}, -50.0, True),
        ({"text": TRUE, "unbilled": True}, 0.0, True),
        ({"text": TRUE, "unbilled": True}, -4.0, False),
        ({"text": TRUE, "confidence": 0.5}, 0.0, True),
        ({"text": TRUE, "confidence": 0.5}, -4.0, False),
        ({"text": TRUE, "code": TRUE}, -5.0, True),
        ({"text": FALSE, "code": TRUE}, 0.0, True),
        ({"text": FALSE, "code": TRUE}, -5.0, False),
        ({"text": FALSE}, 5.0, False),
        ({"text": FALSE, "form": TRUE}, -3.0, True),
        ({"text": TRUE, "form": FALSE}, 5.0, False),
        ({"text": TRUE, "form": FALSE, "code": TRUE}, 0.0, False),
        ({}, 5.0, False),
    ],
)
def test_before_anybody_answered_the_prior_decides_what_each_mix_of_sources_gives(
    said: dict[str, float], margin: float, expected: bool
) -> None:
    odds = log_odds(np.full((1, N_FLAGS), margin), _sources(1, **said), PRIOR)
    assert ((odds > ACCEPT_ABOVE) == expected).all()


def test_without_labels_the_prior_stands() -> None:
    label = np.full((5, N_FLAGS), UNKNOWN, np.int8)
    found = fit_weights(np.zeros((5, N_FLAGS)), _sources(5, text=TRUE), label)
    assert found == pytest.approx(PRIOR, abs=1e-6)


def test_answers_move_the_weights_towards_who_is_right() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((60, N_FLAGS)) < 0.15
    margin = np.where(truth, 3.0, -3.0)
    wrong_text = np.where(rng.random(truth.shape) < 0.5, ~truth, truth)
    sources = Sources(
        *(np.full(truth.shape, UNKNOWN, np.int8) for _ in range(2)),
        np.zeros(truth.shape, bool),
        np.where(wrong_text, TRUE, FALSE).astype(np.int8),
        np.where(wrong_text, 0.6, 0.3).astype(np.float32),
    )
    label = truth.astype(np.int8)
    few = fit_weights(
        margin[:2], Sources(*(part[:2] for part in vars(sources).values())), label[:2]
    )
    many = fit_weights(margin, sources, label)
    assert PRIOR["model"] < few["model"] < many["model"]
    assert many["text_strong"] < PRIOR["text_strong"]
    assert ((log_odds(margin, sources, many) > ACCEPT_ABOVE) == truth).mean() > 0.99


def test_the_order_of_notes_does_not_matter() -> None:
    rng = np.random.default_rng(1)
    label = rng.integers(-1, 2, (20, N_FLAGS)).astype(np.int8)
    margin = rng.normal(size=label.shape)
    sources = _sources(20, text=TRUE)
    forward, backward = (
        fit_weights(margin, sources, label),
        fit_weights(margin[::-1], sources, label[::-1]),
    )
    assert forward == pytest.approx(backward, abs=1e-5)
    assert set(forward) == set(FEATURES)
