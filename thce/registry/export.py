"""The export step: what training wrote becomes a bundle that answers without torch."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from thce.bundles.build import BundleSpec, build
from thce.bundles.manifest import Metric, WeightsEntry
from thce.bundles.publish import publish
from thce.config import Config
from thce.errors import Finding, InputError
from thce.files import copy_folder, write_json, write_text
from thce.paths import home, is_remote, resolve
from thce.registry.code_set import code_versions
from thce.registry.dataset import Split, read_fingerprint, read_split
from thce.registry.encode import NoteEncoder, TokenIds
from thce.registry.export_card import describe_model
from thce.registry.fuse import Fusion
from thce.registry.fusion_fit import fit_fusion
from thce.registry.labels import TRUE
from thce.registry.lineage import read_lineage
from thce.registry.onnx_session import OnnxSession, Probabilities, sigmoid
from thce.registry.parity import Parity, compare
from thce.registry.predict import load_encoder
from thce.registry.threshold_file import LABEL_FIELDS_FILE, Thresholds, save_label_fields
from thce.registry.thresholds import ThresholdPolicy, fit
from thce.registry.validation_metrics import validation_metrics

FP32, INT8 = "fp32", "int8"
FILES = {
    FP32: WeightsEntry(file="onnx/model.onnx", thresholds="thresholds.json"),
    INT8: WeightsEntry(file="onnx/model.int8.onnx", thresholds="thresholds.int8.json"),
}
TORCH_NOTES = 16
"""Validation notes on which fp32 is compared with torch: the longest, shortest and between."""


class ExportConfig(Config):
    """What becomes a bundle, and what it must hold to.

    Attributes:
        model: the folder that training wrote.
        dataset: the dataset folder it was trained on; its validation notes fit the thresholds.
        output: the bundle's own folder: a local path or an fsspec URL.
        parent: version of the bundle that this one continues; taken from `init_from` of the
            training where that is a bundle.
        thresholds: how thresholds are chosen.
        fusion: how the model is joined with the rules.
        hydrated: what the hydrate step wrote for these notes; with it the weights of a `weighted`
            fusion move to where people's labels on validation notes put them.
        max_torch_difference: fp32 may differ from torch by this much in probability.
        max_flip_rate: int8 becomes the default unless more decisions than this differ from fp32.
    """

    model: str
    dataset: str
    output: str
    parent: str | None = None
    thresholds: ThresholdPolicy = ThresholdPolicy()
    fusion: Fusion = Fusion()
    hydrated: str | None = None
    max_torch_difference: float = Field(default=1e-4, gt=0)
    max_flip_rate: float = Field(default=0.005, ge=0, le=1)


@dataclass(frozen=True)
class Exported:
    """The two sets of weights after fitting, and which of them answers by default."""

    thresholds: dict[str, Thresholds]
    parity: dict[str, Parity]
    default: str
    metrics: dict[str, Metric]


def run(config: ExportConfig) -> dict[str, Any]:
    """Writes a complete bundle and publishes it.

    Returns:
        Version, path, default weights and parity of the bundle, and the flags on which the
        model abstains.

    Raises:
        InputError: the training output or its dataset is absent, damaged or of another run.
        Finding: the exported graph does not answer as torch does.
    """
    trained = Path(resolve(config.model))
    validation = _validation_notes(trained, config.dataset)
    lineage = read_lineage(trained, config.parent)
    with _staging(config.output) as staging:
        _copy_training(trained, staging)
        exported = _export_weights(config, staging, validation)
        sizes = {
            name: (entry.file, (staging / entry.file).stat().st_size / 1e6)
            for name, entry in FILES.items()
        }
        card = describe_model(
            config.dataset,
            lineage,
            exported.thresholds,
            exported.parity,
            sizes,
            exported.default,
            exported.metrics,
        )
        write_text(staging / "README.md", card.render())
        spec = BundleSpec(
            kind="registry",
            code_set=code_versions(),
            data_fingerprint=read_fingerprint(config.dataset),
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
        "parity": {name: found.to_dict() for name, found in exported.parity.items()},
        "dormant": _dormant(exported.thresholds[exported.default]),
    }


def choose_default(int8: Parity, max_flip_rate: float) -> str:
    """int8, the faster one, unless it decides otherwise than fp32 more often than allowed."""
    return INT8 if int8.flip_rate <= max_flip_rate else FP32


def _validation_notes(trained: Path, dataset: str) -> Split:
    """The validation split, refused where training saw another one."""
    validation = read_split(dataset, "val")
    path = trained / "validation.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            seen = arrays["encounter_ids"].tolist()
            same = seen == validation.encounter_ids and np.array_equal(
                arrays["label"], validation.label
            )
    except (OSError, KeyError, ValueError):
        raise InputError(f"{path}: not what training writes; give a training's output") from None
    if not same:
        raise InputError(
            f"{trained}: trained with other validation notes than {dataset} holds; "
            "give the dataset of that training"
        )
    return validation


@contextmanager
def _staging(output: str) -> Iterator[Path]:
    """A folder that vanishes, on the disk where the bundle or its cache will lie."""
    target = resolve(output)
    parent = home() if is_remote(target) else Path(target).parent
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".export.", dir=parent) as folder:
        yield Path(folder)


def _copy_training(trained: Path, staging: Path) -> None:
    for name in ("model", "tokenizer"):
        copy_folder(trained / name, staging / name)
    shutil.copyfile(trained / "config.yaml", staging / "config.yaml")
    (staging / "onnx").mkdir()


def _export_weights(config: ExportConfig, staging: Path, validation: Split) -> Exported:
    """Writes both graphs with thresholds of their own, and compares them."""
    from thce.registry.model import FlagClassifier
    from thce.registry.onnx_graph import export_fp32, quantise_int8

    model = FlagClassifier.load(staging / "model").eval()
    paths = {name: staging / entry.file for name, entry in FILES.items()}
    export_fp32(model, paths[FP32])
    quantise_int8(paths[FP32], paths[INT8])

    tokens = _tokens(staging, validation.texts)
    train_label = read_split(config.dataset, "train").label
    found = _score_validation(paths, tokens)
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
    parity = {
        FP32: _against_torch(model, tokens, found[FP32], thresholds[FP32]),
        INT8: compare(found[INT8], thresholds[INT8], found[FP32], thresholds[FP32]),
    }
    if not parity[FP32].max_difference <= config.max_torch_difference:
        raise Finding(
            f"fp32 differs from torch by {parity[FP32].max_difference:.2g} in probability, "
            f"more than {config.max_torch_difference:.2g}; nothing was published"
        )
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


def _score_validation(paths: dict[str, Path], tokens: list[TokenIds]) -> dict[str, Probabilities]:
    """Each graph over the validation notes, the graphs side by side: a session is one thread."""
    with ThreadPoolExecutor(len(paths)) as pool:
        found = pool.map(lambda path: OnnxSession(path).probabilities(tokens), paths.values())
        return dict(zip(paths, found, strict=True))


def _against_torch(
    model: Any, tokens: list[TokenIds], found: Probabilities, thresholds: Thresholds
) -> Parity:
    by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
    spread = np.linspace(0, len(tokens) - 1, min(TORCH_NOTES, len(tokens)))
    rows = [by_length[position] for position in spread.astype(int)]
    reference = _torch_probabilities(model, [tokens[row] for row in rows])
    return compare(found[rows], thresholds, reference, thresholds)


def _torch_probabilities(model: Any, tokens: list[TokenIds]) -> Probabilities:
    import torch

    with torch.inference_mode():
        logits: list[NDArray[np.float32]] = []
        for ids in tokens:
            row = torch.from_numpy(ids).unsqueeze(0)
            logits.append(model(row, torch.ones_like(row)).numpy())
    return sigmoid(np.concatenate(logits))


def _write_decisions(config: ExportConfig, staging: Path, exported: Exported) -> None:
    for name, entry in FILES.items():
        exported.thresholds[name].save(staging / entry.thresholds)
    save_label_fields(staging / LABEL_FIELDS_FILE)
    write_json(
        staging / "parity.json",
        {
            "fp32_against_torch": exported.parity[FP32].to_dict(),
            "int8_against_fp32": exported.parity[INT8].to_dict(),
            "max_torch_difference": config.max_torch_difference,
            "max_flip_rate": config.max_flip_rate,
            "default_weights": exported.default,
        },
    )


def _dormant(thresholds: Thresholds) -> list[str]:
    return [flag.value for flag, label in thresholds.labels.items() if label.threshold is None]
