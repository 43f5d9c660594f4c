"""An analysis as JSON holds it: every figure, no text of a document."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.multilabel import nan_to_none
from thce.ner.analysis_results import Analysis
from thce.ner.counts import GroupScore


def analysis_dict(analysis: Analysis) -> dict[str, Any]:
    """Null where undefined. `auto_code_from` is the threshold as raw confidence: the form in which
    `thce ner export` takes it.
    """
    performance, errors = analysis.performance, analysis.errors
    confidence, operation = analysis.confidence, analysis.operation
    found = {
        "documents": analysis.documents,
        "validation_documents": analysis.validation_documents,
        "words": analysis.words,
        "annotated": analysis.annotated,
        "predicted": analysis.predicted,
        "strict": asdict(performance.projected),
        "original_spans": asdict(performance.original),
        "types": {
            one.name: asdict(one)
            | {"trained_on": performance.trained_on[one.name]}
            | {"categories": dict(errors.categories.get(one.name, {}))}
            for one in performance.types
        },
        "tiers": _by_name(performance.tiers),
        "tokens": _by_name(performance.tokens),
        "lengths": _by_name(performance.lengths),
        "errors": dict(errors.kinds),
        "confusion": {
            "names": list(errors.confusion.names),
            "counts": errors.confusion.counts.tolist(),
        },
        "examples": [one.to_dict() for one in errors.examples],
        "confidence": {
            "scale": analysis.settings.scale,
            "calibrators": [asdict(one) for one in confidence.calibrators],
            "scales": {one.scale: asdict(one.spans) for one in confidence.qualities},
            "loss_before": confidence.loss_before,
            "loss_after": confidence.loss_after,
            "right": _spread(confidence.right),
            "wrong": _spread(confidence.wrong),
            "missed": _spread(confidence.missed),
        },
        "thresholds": [one.to_dict() for one in operation.points],
        "sweet_spot": operation.at_sweet_spot.to_dict(),
        "promises": [asdict(one) for one in operation.promises],
        "threshold": analysis.settings.threshold,
        "auto_code_from": analysis.raw_threshold(analysis.settings.threshold),
        "automation": [asdict(one) for one in analysis.readiness.automation],
        "risks": {one.type: one.to_dict() for one in analysis.readiness.risks},
        "decisions": [asdict(one) for one in analysis.readiness.decisions],
    }
    return dict(nan_to_none(found))


def _by_name(groups: Sequence[GroupScore]) -> dict[str, Any]:
    return {one.name: one.to_dict() for one in groups}


def _spread(values: NDArray[np.float64]) -> dict[str, Any]:
    """How many there are, their mean and their quartiles."""
    if not len(values):
        return {"count": 0, "mean": None, "quartiles": None}
    quartiles = np.quantile(values, [0.25, 0.5, 0.75]).tolist()
    return {"count": len(values), "mean": float(values.mean()), "quartiles": quartiles}
