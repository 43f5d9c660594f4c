"""Confidence that means what it says: fitted on validation documents, to be judged on others.

Two ways. Temperature (Guo, Pleiss, Sun and Weinberger 2017) divides the model's logits by one
number, for the words. It leaves a span's confidence, the least over its words, a confidence in
tags: a span is right only if its end is, and if somebody annotated it so. The logistic map (Platt
1999) fits to each span's own confidence how often such spans were right.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.ner.token_table import LEAST, Tokens

TEMPERATURES = (0.2, 10.0)
_EDGE = 1e-6


@dataclass(frozen=True)
class SpanMap:
    """From a span's confidence to the chance that it is right.

    Attributes:
        slope: of the log-odds, above 0.
        shift: added to them.
    """

    slope: float
    shift: float

    def apply(self, confidence: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) chances; a higher confidence never gives a lower one."""
        return sigmoid(self.slope * log_odds(confidence) + self.shift)

    def invert(self, chance: float) -> float:
        """The confidence whose chance this is."""
        odds = (log_odds(np.array(chance)) - self.shift) / self.slope
        return float(sigmoid(odds))


def scale(probability: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """(w, tags) the softmax of the logits divided by the temperature.

    Softmax loses only a constant per word, so that its logarithm serves as the logits.
    """
    logits = np.log(np.maximum(probability.astype(np.float64), LEAST)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def fit_temperature(tokens: Tokens) -> float:
    """The temperature under which the annotated tags are likeliest.

    Args:
        tokens: of documents the model was not trained on.
    """
    from scipy.optimize import minimize_scalar

    logits = np.log(np.maximum(tokens.probability.astype(np.float64), LEAST))
    of_gold = logits[np.arange(len(tokens)), tokens.gold]

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        peak = scaled.max(axis=1)
        total = peak + np.log(np.exp(scaled - peak[:, None]).sum(axis=1))
        return float((total - of_gold / np.exp(log_temperature)).mean())

    low, high = np.log(TEMPERATURES)
    found = minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-4})
    return float(np.exp(found.x))


def log_loss(tokens: Tokens, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood of the annotated tags, in nats a word."""
    scaled = scale(tokens.probability, temperature)
    return float(-np.log(np.maximum(scaled[np.arange(len(tokens)), tokens.gold], LEAST)).mean())


def fit_span_map(confidence: NDArray[np.floating], right: NDArray[np.bool_]) -> SpanMap:
    """The logistic map under which the spans' being right or wrong is likeliest.

    Labels are smoothed as Platt does, so that spans that are all right do not give an infinite
    shift.

    Args:
        confidence: (n,) of the spans of documents the model was not trained on.
        right: (n,) whether each is.
    """
    from scipy.optimize import minimize

    positives = int(right.sum())
    high, low = (positives + 1) / (positives + 2), 1 / (len(right) - positives + 2)
    target = np.where(right, high, low)
    odds = log_odds(confidence)

    def loss(values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = values[0] * odds + values[1]
        error = sigmoid(score) - target
        value = np.logaddexp(0, score) - target * score
        return float(value.mean()), np.array([(error * odds).mean(), error.mean()])

    found = minimize(
        loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(1e-3, None), (None, None)]
    )
    return SpanMap(float(found.x[0]), float(found.x[1]))


def log_odds(probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of probabilities, which are kept off 0 and 1 by a millionth."""
    kept = np.clip(probability.astype(np.float64), _EDGE, 1 - _EDGE)
    return np.log(kept / (1 - kept))


def sigmoid(score: NDArray[np.floating]) -> NDArray[np.float64]:
    """Of log-odds."""
    return np.exp(-np.logaddexp(0, -score))
