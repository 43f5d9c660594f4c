"""The export step: what training wrote becomes a bundle that answers without torch."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml
from pydantic import Field

from thce.bundles.build import BundleSpec, build
from thce.bundles.card import ModelCard, WeightsRow
from thce.bundles.lineage import read_lineage
from thce.bundles.manifest import Metric, WeightsEntry
from thce.bundles.publish import publish
from thce.config import Config
from thce.errors import Finding, InputError
from thce.evaluation.intervals import Interval, bootstrap
from thce.evaluation.multilabel import micro_f1
from thce.files import copy_folder, read_json, write_json, write_text
from thce.ner.corpus import fingerprint, read_corpus
from thce.ner.decode import Probabilities, best_tags, tag_names
from thce.ner.documents import Document
from thce.ner.predictor import TRANSITIONS_FILE, load_encoder, load_transitions
from thce.ner.projection import project
from thce.ner.scores import strict_counts
from thce.ner.session import TagSessions
from thce.ner.splits import in_split
from thce.ner.tags import TagSet
from thce.ner.transitions import Steps
from thce.ner.type_policy import apply_mapping
from thce.ner.windows import Encoded
from thce.paths import home, is_remote, resolve
from thce.registry.splits import VAL

FP32, INT8 = "fp32", "int8"
THRESHOLDS_FILE = "thresholds.json"
FILES = {
    FP32: WeightsEntry(file="onnx/model.onnx", thresholds=THRESHOLDS_FILE),
    INT8: WeightsEntry(file="onnx/model.int8.onnx", thresholds=THRESHOLDS_FILE),
}
REFERENCE_WINDOWS = 16
"""Windows on which fp32 is compared with torch."""

INTENDED_USE = (
    "Marks clinical entities in English case reports and notes, each with a confidence, so that "
    "what is certain needs no second look and the rest goes to a person."
)
NOT_FOR = (
    "decisions about a patient without a person who reads the text",
    "texts in other languages than English",
    "mentions in several pieces: of those it marks each piece alone",
)
LIMITS = (
    "A word has one tag: of mentions that overlap or nest it gives one.",
    "Confidence is a softmax; how well it is calibrated is in the report of `thce ner report`.",
)


class ExportConfig(Config):
    """What becomes a bundle, and what it must hold to.

    Attributes:
        model: the folder that training wrote.
        output: the bundle's own folder: a local path or an fsspec URL.
        input: the brat folders of that training; None takes them from its configuration.
        parent: version of the bundle that this one continues.
        auto_code_from: the confidence from which a mention needs no person, as
            `thce ner report` finds it; None sends every mention to one.
        max_torch_difference: fp32 may differ by this much in probability from torch.
        max_f1_loss: int8 becomes the default unless it loses more strict F1 than this on the
            validation documents.
    """

    model: str
    output: str
    input: str | list[str] | None = None
    parent: str | None = None
    auto_code_from: float | None = Field(None, ge=0, le=1)
    max_torch_difference: float = Field(1e-4, gt=0)
    max_f1_loss: float = Field(0.005, ge=0, le=1)


@dataclass(frozen=True)
class _Exported:
    parity: dict[str, Any]
    default: str
    metrics: dict[str, Metric]


def run(config: ExportConfig) -> dict[str, Any]:
    """Writes a complete bundle and publishes it.

    Returns:
        Version, path, default weights and parity of the bundle.

    Raises:
        InputError: the training output or its documents are absent or of another run.
        Finding: the exported graph does not answer as torch does.
    """
    trained = Path(resolve(config.model))
    training = read_json(trained / "training.json")
    if not (trained / "tags.json").is_file():
        raise InputError(f"model: {trained}: not the output of `thce ner train`")
    lineage = read_lineage(trained, config.parent)
    validation = _validation(trained, config, training["data_fingerprint"])
    target = resolve(config.output)
    parent = home() if is_remote(target) else Path(target).parent
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".export.", dir=parent) as folder:
        staging = Path(folder)
        for name in ("model", "tokenizer"):
            copy_folder(trained / name, staging / name)
        for name in ("config.yaml", "tags.json", "splits.json", "training.json", TRANSITIONS_FILE):
            shutil.copyfile(trained / name, staging / name)
        write_json(staging / THRESHOLDS_FILE, {"auto_code_from": config.auto_code_from})
        exported = _export_weights(config, staging, validation)
        write_json(staging / "parity.json", exported.parity)
        card = _card(staging, training, lineage, exported)
        write_text(staging / "README.md", card.render())
        spec = BundleSpec(
            kind="ner",
            code_set={},
            data_fingerprint=training["data_fingerprint"],
            base=lineage.base,
            parent=lineage.parent,
            weights=FILES,
            default_weights=exported.default,
            metrics=exported.metrics,
        )
        version = build(staging, spec).version
        path = publish(staging, config.output)
    return {
        "version": version,
        "path": path,
        "default_weights": exported.default,
        "parity": exported.parity,
    }


def _validation(trained: Path, config: ExportConfig, expected: str) -> list[Document]:
    """The validation documents of the training, refused where the documents are others."""
    folders = config.input
    if folders is None:
        folders = yaml.safe_load((trained / "config.yaml").read_text(encoding="utf-8"))["input"]
    mapping = read_json(trained / "tags.json")["mapping"]
    documents = [apply_mapping(one, mapping) for one in read_corpus(folders).documents]
    if fingerprint(documents) != expected:
        raise InputError(f"input: {trained}: trained on other documents than these")
    assignment = read_json(trained / "splits.json")["assignment"]
    return in_split(documents, assignment, VAL)


def _export_weights(config: ExportConfig, staging: Path, validation: list[Document]) -> _Exported:
    """Writes both graphs, compares them on the validation documents and says who answers."""
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
    if not difference <= config.max_torch_difference:
        raise Finding(
            f"fp32 differs from torch by {difference:.2g} in probability, more than "
            f"{config.max_torch_difference:.2g}; nothing was published"
        )
    scores = {name: _val_f1(validation, one, tags, steps) for name, one in found.items()}
    loss = float(np.nan_to_num(scores[FP32].estimate - scores[INT8].estimate))
    default = INT8 if loss <= config.max_f1_loss else FP32
    score = scores[default]
    where = f"{len(validation)} validation documents, which chose the epoch"
    parity = {
        "fp32_against_torch": {"max_difference": difference},
        "int8_against_fp32": _int8_parity(found[INT8], found[FP32], steps) | {"f1_loss": loss},
        "max_torch_difference": config.max_torch_difference,
        "max_f1_loss": config.max_f1_loss,
        "default_weights": default,
    }
    metrics = {}
    if not np.isnan([score.estimate, score.low, score.high]).any():
        metrics["val_strict_micro_f1"] = Metric(
            value=score.estimate, low=score.low, high=score.high, on=where
        )
    return _Exported(parity, default, metrics)


def _torch_difference(model: Any, encoded: list[Encoded], path: Path, tags: int) -> float:
    """The largest difference in probability between torch and the graph on some windows."""
    import torch

    from thce.ner.session import softmax

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


def _card(staging: Path, training: dict[str, Any], lineage: Any, exported: _Exported) -> ModelCard:
    documents = ", ".join(f"{count} {name}" for name, count in training["documents"].items())
    mentions = read_json(staging / "tags.json")["train_mentions"]
    parity = exported.parity
    said = {
        FP32: f"differs from torch by at most {parity['fp32_against_torch']['max_difference']:.2g}",
        INT8: f"{parity['int8_against_fp32']['tag_flip_rate']:.2%} of tags differ from fp32, "
        f"strict F1 lower by {parity['int8_against_fp32']['f1_loss']:.4f}",
    }
    return ModelCard(
        title="Clinical entities: model card",
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        data=(
            f"documents: {documents}",
            f"data fingerprint {training['data_fingerprint'][:16]}",
            "mentions in training: "
            + ", ".join(f"{name} {count}" for name, count in mentions.items()),
        ),
        base=lineage.base,
        metrics=exported.metrics,
        labels=(),
        weights=tuple(
            WeightsRow(
                name,
                entry.file,
                (staging / entry.file).stat().st_size / 1e6,
                name == exported.default,
                said[name],
            )
            for name, entry in FILES.items()
        ),
        limits=LIMITS,
    )
