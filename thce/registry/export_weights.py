"""The weights of a bundle: two graphs, thresholds for each, and how far they agree."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thce.bundles.manifest import Metric, WeightsEntry
from thce.errors import Finding
from thce.files import write_json
from thce.registry.dataset import Split, read_split
from thce.registry.encode import NoteEncoder, TokenIds
from thce.registry.fusion_fit import fit_fusion
from thce.registry.labels import TRUE
from thce.registry.onnx_session import Probabilities
from thce.registry.parity import Parity, compare
from thce.registry.predict import load_encoder
from thce.registry.threshold_file import LABEL_FIELDS_FILE, Thresholds, save_label_fields
from thce.registry.thresholds import fit
from thce.registry.validation_metrics import validation_metrics

if TYPE_CHECKING:
    from thce.registry.export import ExportConfig
    from thce.registry.model import FlagClassifier

FP32, INT8 = "fp32", "int8"
FILES = {
    FP32: WeightsEntry(file="onnx/model.onnx", thresholds="thresholds.json"),
    INT8: WeightsEntry(file="onnx/model.int8.onnx", thresholds="thresholds.int8.json"),
}
DEFAULT_EXPORTER = "default_exporter"
PARITY = {
    FP32: "fp32_against_torch",
    DEFAULT_EXPORTER: "fp32_against_default_exporter",
    INT8: "int8_against_fp32",
}
"""What each comparison is called in parity.json."""
REFERENCE_NOTES = 16
"""Validation notes on which fp32 is compared with torch: the longest, shortest and between."""


@dataclass(frozen=True)
class Exported:
    """The two sets of weights after fitting, and which of them answers by default.

    Attributes:
        thresholds: per set of weights.
        parity: per set of weights with the form it was made from, and under DEFAULT_EXPORTER
            fp32 with the default exporter's graph where another exporter made it.
        default: the default weights.
        metrics: of the default weights on the validation notes.
    """

    thresholds: dict[str, Thresholds]
    parity: dict[str, Parity]
    default: str
    metrics: dict[str, Metric]


def export_weights(config: "ExportConfig", staging: Path, validation: Split) -> Exported:
    """Writes both graphs with thresholds of their own, compares them and says who answers.

    Args:
        config: of the export.
        staging: holds model/, tokenizer/, config.yaml and an empty onnx/; the graphs,
            thresholds, parity.json and fusion.json are written into it.
        validation: the notes that the thresholds are fitted on.

    Raises:
        InputError: Optimum cannot be set up, or does not take the encoder.
        Finding: fp32 does not answer as torch or as the default exporter's graph does.
    """
    from thce.registry.export_graphs import graph_probabilities, write_graphs
    from thce.registry.model import FlagClassifier

    model = FlagClassifier.load(staging / "model").eval()
    paths = {name: staging / entry.file for name, entry in FILES.items()}
    write_graphs(model, config.exporter, paths[FP32], paths[INT8])

    tokens = _tokens(staging, validation.texts)
    train_label = read_split(config.dataset, "train").label
    found = graph_probabilities(paths, tokens)
    thresholds = {
        name: fit(
            probabilities,
            validation.label,
            config.thresholds,
            weights=name,
            train_positives=(train_label == TRUE).sum(axis=0),
        )
        for name, probabilities in found.items()
    }
    parity = _check_fp32(config, staging, model, tokens, found[FP32], thresholds[FP32])
    parity[INT8] = compare(found[INT8], thresholds[INT8], found[FP32], thresholds[FP32])
    default = choose_default(parity[INT8], config.max_flip_rate)
    metrics = validation_metrics(found[default], validation, config.thresholds)
    exported = Exported(thresholds, parity, default, metrics)
    _write_decisions(config, staging, exported)
    fusion = config.fusion
    if config.hydrated is not None:
        fusion = fit_fusion(
            fusion, config.hydrated, validation, found[default], thresholds[default]
        )
    fusion.save(staging / "fusion.json")
    return exported


def choose_default(int8: Parity, max_flip_rate: float) -> str:
    """int8, the faster one, unless it decides otherwise than fp32 more often than allowed."""
    return INT8 if int8.flip_rate <= max_flip_rate else FP32


def _tokens(staging: Path, texts: list[str]) -> list[TokenIds]:
    """The texts as scoring will encode them, refused where training encoded them otherwise."""
    light = load_encoder(staging)
    full = NoteEncoder.load(staging / "tokenizer", light.head_tokens, light.tail_tokens)
    tokens = light.encode(texts)
    for row, (found, expected) in enumerate(zip(tokens, full.encode(texts), strict=True)):
        if not np.array_equal(found, expected):
            raise Finding(
                f"validation note {row}: tokenizer.json alone gives other ids than transformers "
                "does; this tokenizer cannot be exported"
            )
    return tokens


def _check_fp32(
    config: "ExportConfig",
    staging: Path,
    model: "FlagClassifier",
    tokens: list[TokenIds],
    found: Probabilities,
    thresholds: Thresholds,
) -> dict[str, Parity]:
    """How far fp32 agrees with torch, and with the default exporter where another made it.

    Raises:
        Finding: not far enough.
    """
    from thce.registry.export_graphs import default_probabilities, spread_rows, torch_probabilities

    rows = spread_rows(tokens, REFERENCE_NOTES)
    sample = [tokens[row] for row in rows]
    references = {"torch": torch_probabilities(model, sample)}
    if config.exporter != "torch":
        references["default exporter"] = default_probabilities(model, sample, staging)
    parity = [compare(found[rows], thresholds, one, thresholds) for one in references.values()]
    for name, one in zip(references, parity, strict=True):
        if not one.max_difference <= config.max_torch_difference:
            raise Finding(
                f"fp32 differs from {name} by {one.max_difference:.2g} in probability, more than "
                f"{config.max_torch_difference:.2g}; nothing was published"
            )
    return dict(zip((FP32, DEFAULT_EXPORTER), parity, strict=False))


def _write_decisions(config: "ExportConfig", staging: Path, exported: Exported) -> None:
    for name, entry in FILES.items():
        exported.thresholds[name].save(staging / entry.thresholds)
    save_label_fields(staging / LABEL_FIELDS_FILE)
    write_json(
        staging / "parity.json",
        {
            "exporter": config.exporter,
            **{
                name: exported.parity[key].to_dict()
                for key, name in PARITY.items()
                if key in exported.parity
            },
            "max_torch_difference": config.max_torch_difference,
            "max_flip_rate": config.max_flip_rate,
            "default_weights": exported.default,
        },
    )
