"""Precision, recall and F1 over many labels, where some cells are unknown.

Conventions, the same everywhere in the platform:

- A cell whose label is unknown (-1) is not scored.
- F1 is 2 tp / (2 tp + fp + fn): 0 where there are positives and none is found.
- A ratio with nothing below the line is undefined: NaN here, null in JSON, a dash in a report.
  Precision is undefined where nothing was predicted, recall without positives, F1 without both.
- Micro F1 counts all known cells together. Macro F1 is the mean over the labels with support,
  that is at least one known positive, and the result says which these are.

Labels are columns with names that the caller gives, so that every system uses this.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.integer] | NDArray[np.floating]
"""(..., 3, labels) of true positives, false positives and false negatives."""

TP, FP, FN = 0, 1, 2


@dataclass(frozen=True)
class LabelScore:
    """One label: counts of known cells and what follows from them; NaN where undefined."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True)
class MultilabelScore:
    """All labels of one system on one set of notes; NaN where undefined.

    Attributes:
        notes: notes scored.
        known: cells scored.
        macro_labels: the labels that macro F1 is the mean of.
        labels: every label, in the caller's order.
    """

    notes: int
    known: int
    micro_precision: float
    micro_recall: float
    micro_f1: float
    macro_f1: float
    macro_labels: tuple[str, ...]
    labels: tuple[LabelScore, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


def score(
    label: NDArray[np.int8], predicted: NDArray[np.bool_], names: Sequence[str]
) -> MultilabelScore:
    """Scores predictions against labels.

    Args:
        label: (n, L) of 1, 0, -1; -1 is not scored.
        predicted: (n, L).
        names: L label names.
    """
    counts = outcomes(label, predicted).sum(axis=0)
    known = (label >= 0).sum(axis=0)
    micro = counts.sum(axis=1, keepdims=True)
    support = counts[TP] + counts[FN]
    return MultilabelScore(
        notes=len(label),
        known=int(known.sum()),
        micro_precision=float(precision(micro)[0]),
        micro_recall=float(recall(micro)[0]),
        micro_f1=float(micro_f1(counts)),
        macro_f1=float(macro_f1(counts)),
        macro_labels=tuple(name for name, some in zip(names, support, strict=True) if some),
        labels=tuple(_label_scores(counts, known, names)),
    )


def outcomes(label: NDArray[np.int8], predicted: NDArray[np.bool_]) -> NDArray[np.int32]:
    """(n, 3, L): what each note adds to true positives, false positives and false negatives."""
    true, false = label == 1, label == 0
    hit, false_alarm, miss = true & predicted, false & predicted, true & ~predicted
    return np.stack([hit, false_alarm, miss], axis=1).astype(np.int32)


def precision(counts: Counts) -> NDArray[np.float64]:
    """(..., labels) precision; NaN where nothing was predicted."""
    return ratio(counts[..., TP, :], counts[..., TP, :] + counts[..., FP, :])


def recall(counts: Counts) -> NDArray[np.float64]:
    """(..., labels) recall; NaN without positives."""
    return ratio(counts[..., TP, :], counts[..., TP, :] + counts[..., FN, :])


def f1(counts: Counts) -> NDArray[np.float64]:
    """(..., labels) F1; NaN where nothing is true and nothing was predicted."""
    hits = 2 * counts[..., TP, :]
    return ratio(hits, hits + counts[..., FP, :] + counts[..., FN, :])


def micro_f1(counts: Counts) -> NDArray[np.float64]:
    """(...) F1 over the cells of all labels together."""
    return f1(counts.sum(axis=-1, keepdims=True))[..., 0]


def macro_f1(counts: Counts) -> NDArray[np.float64]:
    """(...) mean F1 over the labels that have a positive in these counts."""
    supported = counts[..., TP, :] + counts[..., FN, :] > 0
    total = np.where(supported, np.nan_to_num(f1(counts)), 0.0).sum(axis=-1)
    return ratio(total, supported.sum(axis=-1))


def nan_to_none(value: Any) -> Any:
    """The same structure of dicts and lists, with None for every NaN, as JSON needs it."""
    if isinstance(value, dict):
        return {key: nan_to_none(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [nan_to_none(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def ratio(above: NDArray[Any], below: NDArray[Any]) -> NDArray[np.float64]:
    """Element by element; NaN for nothing out of nothing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(above / below, dtype=np.float64)


def _label_scores(
    counts: NDArray[np.integer], known: NDArray[np.integer], names: Sequence[str]
) -> list[LabelScore]:
    rates = zip(names, precision(counts), recall(counts), f1(counts), strict=True)
    return [
        LabelScore(
            name=name,
            precision=float(label_precision),
            recall=float(label_recall),
            f1=float(label_f1),
            support=int(tp + fn),
            tp=int(tp),
            fp=int(fp),
            fn=int(fn),
            tn=int(cells - tp - fp - fn),
        )
        for (name, label_precision, label_recall, label_f1), (tp, fp, fn), cells in zip(
            rates, counts.T, known, strict=True
        )
    ]
