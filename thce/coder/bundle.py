"""The bundle step: what training wrote becomes a bundle of kind `coder`."""

import tempfile
from pathlib import Path
from typing import Any

from thce.bundles.build import BundleSpec, build
from thce.bundles.card import ModelCard, WeightsRow
from thce.bundles.lineage import read_lineage
from thce.bundles.manifest import WeightsEntry
from thce.bundles.publish import publish
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.config import Config
from thce.errors import InputError
from thce.files import copy_folder, read_json, write_json, write_text
from thce.paths import home, is_remote, resolve

CONFIDENCE_FILE = "confidence.json"
FILES = {"fp32": WeightsEntry(file="model/model.safetensors", thresholds=CONFIDENCE_FILE)}
INTENDED_USE = (
    "Suggests ICD-10-CM, CPT and HCPCS codes for a clinical narrative, with the reasoning that led "
    "to them, so that a coder checks a short list instead of searching the whole catalogue."
)
NOT_FOR = (
    "billing or payment without a person who checks the codes",
    "narratives in other languages than English",
    "use without the constrained decoder: alone the model can write codes that do not exist",
)
LIMITS = (
    "It has 135 million weights: its reasoning is often plausible and wrong.",
    "It learnt from official terms and fictional narratives; expect a drop on notes of a site "
    "until it was trained on local ones.",
)


class BundleConfig(Config):
    """What becomes a bundle.

    Attributes:
        model: the folder that `thce coder train` wrote.
        output: the bundle's own folder: a local path or an fsspec URL.
        parent: version of the bundle that this one continues; taken from `init_from` of the
            training where that is a bundle.
    """

    model: str
    output: str
    parent: str | None = None


def run(config: BundleConfig) -> dict[str, Any]:
    """Builds and publishes a bundle from the output of a training.

    Returns:
        Version and path of the bundle.

    Raises:
        InputError: the folder holds no training of the coder, or something else lies at the
            output.
    """
    trained = Path(resolve(config.model))
    training = read_json(trained / "training.json")
    if not isinstance(training, dict) or "stage" not in training:
        raise InputError(f"model: {trained}: not the output of a training of the coder")
    lineage = read_lineage(trained, config.parent)
    target = resolve(config.output)
    parent = home() if is_remote(target) else Path(target).parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle.", dir=parent) as folder:
        staging = Path(folder)
        for name in ("model", "tokenizer"):
            copy_folder(trained / name, staging / name)
        for name in ("config.yaml", "training.json", "metrics.jsonl"):
            write_text(staging / name, (trained / name).read_text(encoding="utf-8"))
        # Nothing was calibrated yet: every answer stands.
        write_json(staging / CONFIDENCE_FILE, {"abstain_below": 0.0, "calibrated": False})
        megabytes = (staging / FILES["fp32"].file).stat().st_size / 1e6
        card = ModelCard(
            title="Coder: model card",
            intended_use=INTENDED_USE,
            not_for=NOT_FOR,
            data=(
                f"stage {training['stage']} of 3, {training['lengths']['examples']} examples, "
                f"{training['steps']} steps",
                f"data fingerprint {training['data_fingerprint'][:16]}",
            ),
            base=lineage.base,
            metrics={},
            labels=(),
            weights=(WeightsRow("fp32", FILES["fp32"].file, megabytes, True, "as trained"),),
            limits=LIMITS,
        )
        write_text(staging / "README.md", card.render())
        spec = BundleSpec(
            kind="coder",
            code_set={kind.value: load_catalogue(kind).source.version for kind in CodeType},
            data_fingerprint=training["data_fingerprint"],
            base=lineage.base,
            parent=lineage.parent,
            weights=FILES,
            default_weights="fp32",
        )
        version = build(staging, spec).version
        path = publish(staging, config.output)
    return {"version": version, "path": path}
