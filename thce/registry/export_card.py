"""The model card of a registry bundle, from what its export knows."""

from collections.abc import Mapping

from thce.bundles.card import LabelRow, ModelCard, WeightsRow
from thce.bundles.lineage import Lineage
from thce.bundles.manifest import Metric
from thce.registry.dataset_files import read_manifest
from thce.registry.labels import FLAGS
from thce.registry.parity import Parity
from thce.registry.threshold_file import Thresholds

INTENDED_USE = (
    "Suggests which of 29 bronchoscopy and pleural procedures a note documents as performed in "
    "that encounter, so that a registry's staff fill in its form faster and find what the "
    "billing codes missed."
)
NOT_FOR = (
    "deciding on care, billing or payment without a person",
    "notes in other languages than English, or from other specialties",
    "procedures outside the 29 flags: an empty answer does not mean that nothing was done",
)
LIMITS = (
    "The notes this model was fitted on come from the sites that gave them: expect a drop "
    "elsewhere until it was corrected on local notes.",
    "Validation figures flatter: the weights were chosen on the same notes. The frozen test set, "
    "evaluated apart, gives the figure to quote.",
    "A long note is read at its head and tail; what stands only in its middle is not seen.",
    "Removing identifiers from the text follows patterns and is not complete.",
)


def describe_model(
    dataset: str,
    lineage: Lineage,
    thresholds: Mapping[str, Thresholds],
    parity: Mapping[str, Parity],
    sizes: Mapping[str, tuple[str, float]],
    default: str,
    metrics: dict[str, Metric],
) -> ModelCard:
    """The card's content.

    Args:
        dataset: the dataset folder of the training.
        lineage: base weights and parent.
        thresholds: per set of weights.
        parity: per set of weights, against the form it was made from.
        sizes: per set of weights, its file and megabytes.
        default: the default weights.
        metrics: of the default weights on the validation notes.
    """
    return ModelCard(
        title="Registry flags: model card",
        intended_use=INTENDED_USE,
        not_for=NOT_FOR,
        data=_data_lines(dataset, lineage),
        base=lineage.base,
        metrics=metrics,
        labels=_label_rows(thresholds[default]),
        weights=tuple(
            WeightsRow(name, file, size, name == default, _parity_line(name, parity[name]))
            for name, (file, size) in sizes.items()
        ),
        limits=LIMITS,
    )


def _data_lines(dataset: str, lineage: Lineage) -> tuple[str, ...]:
    manifest = read_manifest(dataset)
    report = manifest["report"]
    notes = ", ".join(f"{count} {split}" for split, count in report["notes"].items())
    tiers: dict[str, dict[str, int]] = report["labels_by_tier"]["train"]
    sources = ", ".join(
        f"{name} {cells['true']} true and {cells['false']} false"
        for name, cells in tiers.items()
        if any(cells.values())
    )
    lines = [
        f"dataset fingerprint {manifest['fingerprint']}",
        f"notes: {notes}",
        f"training cells by source: {sources}",
    ]
    if lineage.parent:
        lines.append(f"continues bundle {lineage.parent}")
    return tuple(lines)


def _label_rows(thresholds: Thresholds) -> tuple[LabelRow, ...]:
    rows = []
    for flag in FLAGS:
        found = thresholds.labels[flag]
        rows.append(
            LabelRow(
                name=flag.value,
                title=flag.detail.title,
                threshold=found.threshold,
                val_f1=found.val_f1,
                positives=found.positives,
                method=found.method,
            )
        )
    return tuple(rows)


def _parity_line(name: str, parity: Parity) -> str:
    reference = "torch" if name == "fp32" else "fp32"
    return (
        f"{parity.flip_rate:.2%} of decisions differ from {reference} on {parity.notes} notes, "
        f"probabilities by at most {parity.max_difference:.2g}"
    )
