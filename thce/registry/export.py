"""The export step: what training wrote becomes a bundle that answers without torch."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
from pydantic import Field

from thce.bundles.build import BundleSpec, build
from thce.bundles.lineage import read_lineage
from thce.bundles.publish import publish
from thce.config import Config
from thce.errors import InputError
from thce.files import copy_folder, write_text
from thce.paths import home, is_remote, resolve
from thce.registry.code_set import code_versions
from thce.registry.dataset import Split, read_fingerprint, read_split
from thce.registry.export_card import describe_model
from thce.registry.export_weights import FILES, export_weights
from thce.registry.fuse import Fusion
from thce.registry.threshold_file import Thresholds
from thce.registry.thresholds import ThresholdPolicy


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
        exporter: torch, or optimum in an isolated Ray environment; both must agree.
        max_torch_difference: fp32 may differ by this much in probability from torch, and from
            the default exporter's graph where another exporter made it.
        max_flip_rate: int8 becomes the default unless more decisions than this differ from fp32.
    """

    model: str
    dataset: str
    output: str
    parent: str | None = None
    thresholds: ThresholdPolicy = ThresholdPolicy()
    fusion: Fusion = Fusion()
    hydrated: str | None = None
    exporter: Literal["torch", "optimum"] = "torch"
    max_torch_difference: float = Field(default=1e-4, gt=0)
    max_flip_rate: float = Field(default=0.005, ge=0, le=1)


def run(config: ExportConfig) -> dict[str, Any]:
    """Writes a complete bundle and publishes it.

    Returns:
        Version, path, default weights and parity of the bundle, and the flags on which the
        model abstains.

    Raises:
        InputError: the training output or its dataset is absent, damaged or of another run, or
            Optimum cannot be set up or does not take the encoder.
        Finding: the exported graph does not answer as torch does.
    """
    trained = Path(resolve(config.model))
    validation = validation_notes(trained, config.dataset)
    lineage = read_lineage(trained, config.parent)
    with _staging(config.output) as staging:
        _copy_training(trained, staging)
        exported = export_weights(config, staging, validation)
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


def validation_notes(trained: Path, dataset: str) -> Split:
    """The validation split, refused where training saw another one.

    Raises:
        InputError: the training's file is absent or damaged, or of another dataset.
    """
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


def _dormant(thresholds: Thresholds) -> list[str]:
    return [flag.value for flag, label in thresholds.labels.items() if label.threshold is None]
