"""Bundles small enough to build in a test: their layout is real, their weights are tiny."""

from pathlib import Path
from typing import Any

import numpy as np

from thce.bundles.build import BundleSpec, build
from thce.bundles.manifest import BaseWeights, Metric, WeightsEntry
from thce.bundles.verify import Bundle
from thce.files import write_json, write_text
from thce.registry.fuse import Fusion
from thce.registry.labels import FLAG_NAMES, Flag
from thce.registry.threshold_file import LabelThreshold, Thresholds, save_label_fields

WEIGHTS = {
    "fp32": WeightsEntry(file="onnx/model.onnx", thresholds="thresholds.json"),
    "int8": WeightsEntry(file="onnx/model.int8.onnx", thresholds="thresholds.int8.json"),
}


def flat_thresholds(weights: str, value: float = 0.5, dormant: tuple[Flag, ...] = ()) -> Thresholds:
    """The same threshold everywhere, but for the dormant flags."""
    labels = {
        flag: LabelThreshold(None, None, 0, "dormant")
        if flag in dormant
        else LabelThreshold(value, 0.8, 5, "exact")
        for flag in Flag
    }
    return Thresholds(weights=weights, objective="f1", pooled=None, labels=labels)


def stage(folder: Path, seed: int = 0) -> Path:
    """A staging folder with every file a registry bundle needs; another seed, other weights."""
    from safetensors.numpy import save_file

    for name in ("model", "tokenizer", "onnx"):
        (folder / name).mkdir(parents=True)
    values = np.random.default_rng(seed).normal(size=(29, 4)).astype(np.float32)
    save_file({"head.weight": values}, folder / "model" / "model.safetensors")
    for entry in WEIGHTS.values():
        (folder / entry.file).write_bytes(values.tobytes())
    write_json(folder / "model" / "config.json", {"model_type": "bert"})
    write_json(folder / "model" / "head.json", {"head": "mean", "labels": list(FLAG_NAMES)})
    write_json(folder / "tokenizer" / "tokenizer.json", {"version": "1.0"})
    write_json(folder / "tokenizer" / "tokenizer_config.json", {"pad_token": "[PAD]"})
    write_json(folder / "parity.json", {"default_weights": "int8"})
    write_text(folder / "config.yaml", "head_tokens: 384\ntail_tokens: 128\n")
    write_text(folder / "README.md", "# Model card\n")
    for name, entry in WEIGHTS.items():
        flat_thresholds(name).save(folder / entry.thresholds)
    save_label_fields(folder / "registry_label_fields.json")
    Fusion().save(folder / "fusion.json")
    return folder


def spec(**changes: Any) -> BundleSpec:
    """What a manifest says beside its files."""
    values: dict[str, Any] = {
        "kind": "registry",
        "code_set": {"cpt_map": "2026-04"},
        "data_fingerprint": "f" * 64,
        "base": BaseWeights(model="minilm", sha256="0" * 64),
        "parent": None,
        "weights": WEIGHTS,
        "default_weights": "int8",
        "metrics": {"macro_f1": Metric(value=0.61, low=0.52, high=0.7, on="test, 40 notes")},
    }
    return BundleSpec(**(values | changes))


def small_bundle(folder: Path, seed: int = 0, **changes: Any) -> Bundle:
    """A valid built bundle in `folder`."""
    return build(stage(folder, seed), spec(**changes))
