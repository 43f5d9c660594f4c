"""The model card of a tagger's bundle."""

from pathlib import Path
from typing import Any

from thce.bundles.card import ModelCard, WeightsRow
from thce.bundles.lineage import Lineage
from thce.files import read_json
from thce.ner.export_weights import FILES, FP32, INT8, Exported

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


def describe_model(
    staging: Path, training: dict[str, Any], lineage: Lineage, exported: Exported
) -> ModelCard:
    """The card of a bundle that is being built.

    Args:
        staging: its folder.
        training: what training.json holds.
        lineage: where the weights come from.
        exported: what was measured on the validation documents.
    """
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
