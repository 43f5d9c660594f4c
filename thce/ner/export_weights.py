"""The weights of a bundle: two graphs, and how far they and the model they come from agree."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from thce.bundles.manifest import Metric, WeightsEntry
from thce.errors import Finding
from thce.evaluation.intervals import Interval, bootstrap
from thce.evaluation.multilabel import micro_f1
from thce.files import read_json
from thce.ner.decode import Probabilities, best_tags, tag_names
from thce.ner.documents import Document
from thce.ner.predictor import load_encoder, load_transitions
from thce.ner.projection import project
from thce.ner.scores import strict_counts
from thce.ner.session import TagSessions, softmax
from thce.ner.tags import TagSet
from thce.ner.transitions import Steps
from thce.ner.windows import Encoded

FP32, INT8 = "fp32", "int8"
THRESHOLDS_FILE = "thresholds.json"
FILES = {
    FP32: WeightsEntry(file="onnx/model.onnx", thresholds=THRESHOLDS_FILE),
    INT8: WeightsEntry(file="onnx/model.int8.onnx", thresholds=THRESHOLDS_FILE),
}
REFERENCE_WINDOWS = 16
"""Windows on which fp32 is compared with torch."""


@dataclass(frozen=True)
class Exported:
    """The two sets of weights, and which of them answers by default.

    Attributes:
        parity: what parity.json holds.
        default: the default weights.
        metrics: of the default weights on the validation documents, where they are defined.
    """

    parity: dict[str, Any]
    default: str
    metrics: dict[str, Metric]


def export_weights(
    staging: Path, validation: list[Document], max_torch_difference: float, max_f1_loss: float
) -> Exported:
    """Writes both graphs, compares them on the validation documents and says who answers.

    Args:
        staging: holds model/, tokenizer/, config.yaml, tags.json and transitions.json; onnx/ is
            written into it.
        validation: the validation documents of the training.
        max_torch_difference: the most that fp32 may differ from torch in probability.
        max_f1_loss: the most strict F1 that int8 may lose to become the default.

    Raises:
        Finding: fp32 does not answer as torch does.
    """
    from thce.ner.model import Tagger
    from thce.registry.onnx_graph import export_fp32
    from thce.registry.onnx_int8 import quantise_int8

    tags = TagSet.from_dict(read_json(staging / "tags.json"), str(staging / "tags.json"))
    steps = load_transitions(staging, tags).steps
    model = Tagger.load(staging / "model").eval()
    (staging / "onnx").mkdir()
    paths = {name: staging / entry.file for name, entry in FILES.items()}
    export_fp32(model, paths[FP32], head="classifier")
    quantise_int8(paths[FP32], paths[INT8])

    encoder = load_encoder(staging)
    encoded = [encoder.encode(one.text) for one in validation]
    found = {
        name: TagSessions(path, len(tags.tags)).probabilities(encoded)
        for name, path in paths.items()
    }
    difference = _torch_difference(model, encoded, paths[FP32], len(tags.tags))
    if not difference <= max_torch_difference:
        raise Finding(
            f"fp32 differs from torch by {difference:.2g} in probability, more than "
            f"{max_torch_difference:.2g}; nothing was published"
        )
    scores = {name: _val_f1(validation, one, tags, steps) for name, one in found.items()}
    loss = float(np.nan_to_num(scores[FP32].estimate - scores[INT8].estimate))
    default = INT8 if loss <= max_f1_loss else FP32
    score = scores[default]
    where = f"{len(validation)} validation documents, which chose the epoch"
    parity = {
        "fp32_against_torch": {"max_difference": difference},
        "int8_against_fp32": _int8_parity(found[INT8], found[FP32], steps) | {"f1_loss": loss},
        "max_torch_difference": max_torch_difference,
        "max_f1_loss": max_f1_loss,
        "default_weights": default,
    }
    metrics = {}
    if not np.isnan([score.estimate, score.low, score.high]).any():
        metrics["val_strict_micro_f1"] = Metric(
            value=score.estimate, low=score.low, high=score.high, on=where
        )
    return Exported(parity, default, metrics)


def _torch_difference(model: Any, encoded: list[Encoded], path: Path, tags: int) -> float:
    """The largest difference in probability between torch and the graph on some windows."""
    import torch

    session = TagSessions(path, tags)
    windows = [window for one in encoded for window in one.windows]
    windows.sort(key=lambda window: len(window.ids))
    chosen = np.linspace(0, len(windows) - 1, min(REFERENCE_WINDOWS, len(windows))).astype(int)
    worst = 0.0
    with torch.inference_mode():
        for place in chosen:
            ids = windows[place].ids
            row = torch.from_numpy(ids)[None]
            expected = softmax(model(row, torch.ones_like(row)).numpy()[0])
            worst = max(worst, float(np.abs(softmax(session.logits(ids)) - expected).max()))
    return worst


def _int8_parity(
    found: list[Probabilities], reference: list[Probabilities], steps: Steps
) -> dict[str, Any]:
    difference = np.concatenate(
        [np.abs(one - other).max(axis=1) for one, other in zip(found, reference, strict=True)]
    )
    flips = sum(
        int((best_tags(one, steps) != best_tags(other, steps)).sum())
        for one, other in zip(found, reference, strict=True)
    )
    return {
        "words": len(difference),
        "max_difference": float(difference.max()),
        "mean_difference": float(difference.mean()),
        "tag_flip_rate": flips / len(difference),
    }


def _val_f1(
    validation: list[Document], found: list[Probabilities], tags: TagSet, steps: Steps
) -> Interval:
    counts = np.stack(
        [
            strict_counts(
                project(document).tags, tag_names(best_tags(one, steps), tags), tags.types
            )
            for document, one in zip(validation, found, strict=True)
        ]
    )
    return bootstrap(counts, {"f1": micro_f1})["f1"]
