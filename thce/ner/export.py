"""The export step: what training wrote becomes a bundle that answers without torch."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from pydantic import Field

from thce.bundles.build import BundleSpec, build
from thce.bundles.lineage import read_lineage
from thce.bundles.publish import publish
from thce.config import Config
from thce.errors import InputError
from thce.files import copy_folder, read_json, write_json, write_text
from thce.ner.corpus import fingerprint, read_corpus
from thce.ner.documents import Document
from thce.ner.export_card import describe_model
from thce.ner.export_weights import FILES, THRESHOLDS_FILE, export_weights
from thce.ner.predictor import TRANSITIONS_FILE
from thce.ner.splits import in_split
from thce.ner.type_policy import apply_mapping
from thce.paths import home, is_remote, resolve
from thce.registry.splits import VAL


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
        exported = export_weights(
            staging, validation, config.max_torch_difference, config.max_f1_loss
        )
        write_json(staging / "parity.json", exported.parity)
        card = describe_model(staging, training, lineage, exported)
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
