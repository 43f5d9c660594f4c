"""How confidence and being right go together, before and after calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.calibration import Bin, Calibration, measure, reliability
from thce.evaluation.intervals import SEED
from thce.ner.calibrate import SpanMap, fit_span_map, fit_temperature, log_loss, scale
from thce.ner.documents import Document
from thce.ner.matching import Category, Outcome, fragments
from thce.ner.mentions import predicted_of
from thce.ner.token_table import Tokens, least_probability, rows_within

Scale = Literal["raw", "temperature", "calibrated"]
SCALES: tuple[Scale, ...] = ("raw", "temperature", "calibrated")


@dataclass(frozen=True)
class Scored:
    """The outcomes of one split and the words they were made of."""

    documents: Sequence[Document]
    outcomes: Sequence[Outcome]
    tokens: Tokens


@dataclass(frozen=True)
class Calibrator:
    """What was fitted on validation documents.

    Attributes:
        temperature: of the words' softmax.
        spans: from a span's raw confidence to the chance that it is right.
    """

    temperature: float
    spans: SpanMap


@dataclass(frozen=True)
class ScaleQuality:
    """How far a confidence can be taken at its word, on documents nothing was fitted on.

    Attributes:
        scale: raw, temperature or calibrated.
        spans: calibration error and Brier score over predicted spans, intervals over documents.
        bins: predicted against observed.
    """

    scale: Scale
    spans: Calibration
    bins: tuple[Bin, ...]


@dataclass(frozen=True)
class ConfidenceAnalysis:
    """The confidences of one split.

    Attributes:
        calibrators: as fitted, one a model.
        qualities: of each scale.
        loss_before: mean negative log-likelihood of the annotated tags, in nats a word.
        loss_after: the same at the fitted temperature.
        right: raw confidences of the predictions that are right.
        wrong: of those that are not.
        missed: for each annotation without a prediction, the least probability that the model
            gave its type over its words.
    """

    calibrators: tuple[Calibrator, ...]
    qualities: tuple[ScaleQuality, ...]
    loss_before: float
    loss_after: float
    right: NDArray[np.float64]
    wrong: NDArray[np.float64]
    missed: NDArray[np.float64]


def fit(validation: Scored) -> Calibrator:
    """Temperature and span map from the documents that were held back from training."""
    return Calibrator(
        temperature=fit_temperature(validation.tokens),
        spans=fit_span_map(raw_confidence(validation), is_right(validation)),
    )


def confidences(scored: Scored, calibrator: Calibrator, scale_name: Scale) -> NDArray[np.float64]:
    """(n,) confidence of each prediction, in the order of `predicted_of`."""
    if scale_name == "raw":
        return raw_confidence(scored)
    if scale_name == "calibrated":
        return calibrator.spans.apply(raw_confidence(scored))
    predicted = predicted_of(scored.outcomes)
    rows = rows_within(scored.tokens, [(one.document, one.start, one.end) for one in predicted])
    scaled = scale(scored.tokens.probability, calibrator.temperature)
    return least_probability(scored.tokens, scaled, scored.tokens.predicted, rows)


def analyse_confidence(
    folds: Sequence[tuple[Scored, Calibrator]], seed: int = SEED
) -> ConfidenceAnalysis:
    """What calibrators, each fitted elsewhere, are worth on the split that they were not fitted on.

    Args:
        folds: what each model made of its own test documents, and its calibrator.
        seed: of resampling.
    """
    right = np.concatenate([is_right(scored) for scored, _ in folds])
    label = right[:, None].astype(np.int8)
    names = np.array(
        [one.document for scored, _ in folds for one in predicted_of(scored.outcomes)],
        dtype=np.str_,
    )
    qualities = []
    for name in SCALES:
        probability = np.concatenate([confidences(*fold, name) for fold in folds])[:, None]
        # a prediction is a row and its document the group that is resampled
        measured = measure(probability, label, groups=names, seed=seed)
        qualities.append(ScaleQuality(name, measured, tuple(reliability(probability, label))))
    raw = np.concatenate([raw_confidence(scored) for scored, _ in folds])
    words = [len(scored.tokens) for scored, _ in folds]
    before = [log_loss(scored.tokens) for scored, _ in folds]
    after = [log_loss(scored.tokens, fitted.temperature) for scored, fitted in folds]
    return ConfidenceAnalysis(
        calibrators=tuple(calibrator for _, calibrator in folds),
        qualities=tuple(qualities),
        loss_before=float(np.average(before, weights=words)),
        loss_after=float(np.average(after, weights=words)),
        right=raw[right],
        wrong=raw[~right],
        missed=np.concatenate([missed_probability(scored) for scored, _ in folds]),
    )


def raw_confidence(scored: Scored) -> NDArray[np.float64]:
    """(n,) as the model gave it, in the order of `predicted_of`."""
    return np.array([one.confidence for one in predicted_of(scored.outcomes)], dtype=np.float64)


def is_right(scored: Scored) -> NDArray[np.bool_]:
    """(n,) whether each prediction is, in the order of `predicted_of`."""
    return np.array(
        [one.category is Category.CORRECT for one in scored.outcomes if one.prediction is not None],
        dtype=np.bool_,
    )


def missed_probability(scored: Scored) -> NDArray[np.float64]:
    """For each missed annotation the least probability of its type over its words."""
    texts = {document.id: document.text for document in scored.documents}
    place = {tag: at for at, tag in enumerate(scored.tokens.tags)}
    found = []
    for one in scored.outcomes:
        if one.category is not Category.MISSED or one.gold is None:
            continue
        tags = [place[tag] for tag in (f"B-{one.gold.type}", f"I-{one.gold.type}") if tag in place]
        places = [(one.document, *part) for part in fragments(texts[one.document], one.gold)]
        rows = [
            row
            for span in rows_within(scored.tokens, places)
            for row in range(span.start, span.stop)
        ]
        of_type = scored.tokens.probability[rows][:, tags].sum(axis=1)
        found.append(float(of_type.min()) if rows and tags else 0.0)
    return np.array(found, dtype=np.float64)
