"""The bundle step: a training becomes a bundle with all that answers: graphs, ranker, weights."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from thce.bundles.build import BundleSpec, build
from thce.bundles.card import ModelCard, WeightsRow
from thce.bundles.lineage import Lineage, read_lineage
from thce.bundles.manifest import WeightsEntry
from thce.bundles.publish import publish
from thce.coder.bundle_files import CONFIDENCE_FILE, RANKER_FILE, TRAINING_FILE
from thce.coder.concept_scores import ConceptScores
from thce.coder.export import ExportSettings, export, trained_stage, weights_entries
from thce.coder.open_coder import GraphName
from thce.coder.rank import CONFIDENCE
from thce.codes.load import catalogue_versions
from thce.files import copy_folder, read_json, write_json, write_text
from thce.paths import home, is_remote, resolve

INT4_MAY_LOSE = 0.1
FULL = WeightsEntry(file="model/model.safetensors", thresholds=CONFIDENCE_FILE)
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


class BundleConfig(ExportSettings):
    """What becomes a bundle.

    Attributes:
        model: the folder that `thce coder train` wrote.
        output: the bundle's own folder: a local path or an fsspec URL.
        parent: version of the bundle that this one continues; taken from `init_from` of the
            training where that is a bundle.
        ranker: weights that `thce coder fit-ranker` fitted by words; None takes the shipped ones.
        confidence: a code below it is not accepted.
        default_graph: the graph that answers when none is asked for; None takes int4 where it
            loses at most INT4_MAY_LOSE nats per token, else int8.
    """

    model: str
    output: str
    parent: str | None = None
    ranker: str | None = None
    confidence: float = Field(CONFIDENCE, ge=0, le=1)
    default_graph: GraphName | None = None


def run(config: BundleConfig) -> dict[str, Any]:
    """Exports the graphs of a training, and builds and publishes a bundle of all that answers.

    Returns:
        Version and path of the bundle, its default graph, and what each loses.

    Raises:
        InputError: the folder holds no training of the coder, or something else lies at the
            output.
        Finding: a graph loses more than allowed.
    """
    trained = Path(resolve(config.model))
    stage = trained_stage(trained)
    lineage = read_lineage(trained, config.parent)
    ranker = ConceptScores.load(False, Path(resolve(config.ranker)) if config.ranker else None)
    target = resolve(config.output)
    parent = home() if is_remote(target) else Path(target).parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".bundle.", dir=parent) as folder:
        staging = Path(folder)
        loss = export(trained, staging, stage, config)
        for name in ("model", "tokenizer"):
            copy_folder(trained / name, staging / name)
        for name in ("config.yaml", TRAINING_FILE, "metrics.jsonl"):
            write_text(staging / name, (trained / name).read_text(encoding="utf-8"))
        write_json(staging / CONFIDENCE_FILE, {"abstain_below": config.confidence})
        write_text(staging / RANKER_FILE, ranker.dump())
        weights = {"fp32": FULL, **weights_entries(CONFIDENCE_FILE)}
        default = config.default_graph or default_graph(loss)
        training = read_json(trained / TRAINING_FILE)
        card = _card(training, lineage, ranker, _weights_rows(staging, weights, loss, default))
        write_text(staging / "README.md", card.render())
        spec = BundleSpec(
            kind="coder",
            code_set=catalogue_versions(),
            data_fingerprint=training["data_fingerprint"],
            base=lineage.base,
            parent=lineage.parent,
            weights=weights,
            default_weights=default,
        )
        version = build(staging, spec).version
        path = publish(staging, config.output)
    return {"version": version, "path": path, "default": default, "loss": loss}


def default_graph(loss: Mapping[str, Mapping[str, float]]) -> GraphName:
    """The smaller graph where it loses little enough, by the `lost` of each."""
    return "int4" if loss["int4"]["lost"] <= INT4_MAY_LOSE else "int8"


def _card(
    training: Mapping[str, Any],
    lineage: Lineage,
    ranker: ConceptScores,
    weights: tuple[WeightsRow, ...],
) -> ModelCard:
    return ModelCard(
        title="Coder: model card",
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        data=(
            f"stage {training['stage']} of 3, {training['lengths']['examples']} examples, "
            f"{training['steps']} steps",
            f"data fingerprint {training['data_fingerprint'][:16]}",
            f"the ranker's weights: {ranker.fitted_on}",
        ),
        base=lineage.base,
        metrics={},
        labels=(),
        weights=weights,
        limits=LIMITS,
    )


def _weights_rows(
    staging: Path,
    weights: Mapping[str, WeightsEntry],
    loss: Mapping[str, Mapping[str, float]],
    default: str,
) -> tuple[WeightsRow, ...]:
    return tuple(
        WeightsRow(
            name,
            entry.file,
            (staging / entry.file).stat().st_size / 1e6,
            name == default,
            f"{loss[name]['lost']:+.3f} nats a token against fp32"
            if name in loss
            else "as trained",
        )
        for name, entry in weights.items()
    )
