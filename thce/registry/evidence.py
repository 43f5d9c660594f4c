"""Weighing the model against form, codes and text: one logistic regression over all flags.

What each source says of a cell is a feature, and a cell is accepted when the weighted sum is
high enough. The weights start at a prior that was fitted to notes which neither the rules nor
the model had seen, and move to where people's labels put them: maximum a posteriori under
a Gaussian prior, so that a handful of answers moves them a little and many move them freely.
Pooling over flags is what makes this possible with few labels (a stacked generalisation, Wolpert
1992, with one shared level-1 model).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import FALSE, TRUE, UNKNOWN, Cells

Floats = NDArray[np.float64]

FEATURES = (
    "bias",
    "model",
    "form_true",
    "form_false",
    "code_true",
    "code_silent",
    "text_strong",
    "text_weak",
    "text_denied",
    "text_silent",
)

PRIOR: dict[str, float] = {
    "bias": -3.8,
    "model": 0.3,
    "form_true": 5.5,
    "form_false": -6.0,
    "code_true": 4.3,
    "code_silent": -0.7,
    "text_strong": 4.8,
    "text_weak": 4.1,
    "text_denied": 0.0,
    "text_silent": 0.0,
}
"""Log-odds that each source adds before anybody answered. The model counts by how many log-odds
its probability is above or below its threshold. Fitted to the notes of authors e and f, at the
rules' first contact with them and with a demo model that had not seen them (docs/log.md); a denial
is not let count for a flag more than silence does, which a few cells would have had it do."""

PRIOR_DEVIATION = 0.5
"""Standard deviation of the Gaussian prior on every weight."""

ACCEPT_ABOVE = -0.405
"""Log-odds from which a cell is accepted: probability 0.4. The F1-optimal cut is at half the F1
that it reaches (Lipton, Elkan and Naryanaswamy 2014), so below one half."""

STRONG = 0.55
"""Keyword confidence from which a mention describes the act and does not only name it."""
DENIED = 0.45
"""Confidence of a false cell from which the text denies the procedure explicitly."""
LIMIT = 4.0
"""The model's log-odds beyond its threshold are cut here: under the prior the surest model alone
does not overturn an act that the text describes. Models that learned on notes of one kind are sure,
and wrong, on another (docs/log.md)."""


@dataclass(frozen=True)
class Sources:
    """What each source says of n notes; arrays are (n, 29).

    Attributes:
        form: cells of the structured form.
        code: cells of the billing codes, TRUE or UNKNOWN.
        unbilled: bool, flags that a code could state in a billed note, and none does.
        text: cells of the keywords.
        text_confidence: confidence of the text cells.
    """

    form: Cells
    code: Cells
    unbilled: NDArray[np.bool_]
    text: Cells
    text_confidence: NDArray[np.float32]


def features(margin: Floats, sources: Sources) -> Floats:
    """(n, 29, 10) in the order of FEATURES.

    Args:
        margin: (n, 29) log-odds of the model above its threshold; 0 where it abstains.
        sources: of the same n notes.
    """
    said = sources.text == TRUE
    unsaid = sources.text == FALSE
    strong = sources.text_confidence >= STRONG
    denied = sources.text_confidence >= DENIED
    columns = (
        np.ones_like(margin),
        np.clip(margin, -LIMIT, LIMIT),
        sources.form == TRUE,
        sources.form == FALSE,
        sources.code == TRUE,
        sources.unbilled,
        said & strong,
        said & ~strong,
        unsaid & denied,
        unsaid & ~denied,
    )
    return np.stack(columns, axis=-1).astype(np.float64)


def log_odds(margin: Floats, sources: Sources, weights: Mapping[str, float]) -> Floats:
    """(n, 29) log-odds that each flag is true; a cell is accepted above ACCEPT_ABOVE."""
    return features(margin, sources) @ np.array([weights[name] for name in FEATURES])


def fit_weights(margin: Floats, sources: Sources, label: Cells) -> dict[str, float]:
    """The weights that people's labels make most likely under the prior, by Newton's method.

    Args:
        margin: (n, 29), of notes that the model was not trained on.
        sources: of the same n notes.
        label: (n, 29) people's labels; UNKNOWN cells do not count. Without any known cell the
            prior is returned as it is.
    """
    known = label != UNKNOWN
    design = features(margin, sources)[known]
    truth = (label[known] == TRUE).astype(np.float64)
    prior = np.array([PRIOR[name] for name in FEATURES])
    precision = PRIOR_DEVIATION**-2
    weights = prior.copy()
    for _ in range(50):
        probability = 1.0 / (1.0 + np.exp(-design @ weights))
        gradient = design.T @ (truth - probability) - precision * (weights - prior)
        curvature = (design * (probability * (1 - probability))[:, None]).T @ design
        step = np.linalg.solve(curvature + precision * np.eye(len(prior)), gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return {name: float(round(value, 6)) for name, value in zip(FEATURES, weights, strict=True)}
