"""How far annotators agree: Cohen's kappa per label, with intervals over notes.

Kappa is agreement beyond chance (Cohen 1960). It compares two people; among more it is the mean
over their pairs (Light 1971), here weighted by the notes that a pair shares. It is undefined
where neither of a pair ever says yes, or both always do: then agreement by chance is complete.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import Interval, Statistic, bootstrap
from thce.evaluation.multilabel import nan_to_none, ratio

BOTH_NO, FIRST_ONLY, SECOND_ONLY, BOTH_YES = range(4)
Pairs = NDArray[np.integer]
"""(notes, pairs, L, 4): where a pair of annotators answered a note, 1 in the cell of what they say
of a label; all 0 elsewhere."""


@dataclass(frozen=True)
class LabelAgreement:
    """Agreement on one label.

    Attributes:
        label: its name.
        compared: answers compared, a note once per pair that answered it.
        both_yes: both of a pair say yes.
        one_yes: one of them does.
        kappa: NaN where undefined.
    """

    label: str
    compared: int
    both_yes: int
    one_yes: int
    kappa: Interval


@dataclass(frozen=True)
class Agreement:
    """Agreement of the annotators of a store.

    Attributes:
        annotators: who answered a note that another answered too.
        notes: such notes.
        mean_kappa: over the labels where it is defined, each counted alike.
        labels: in the order given.
    """

    annotators: tuple[str, ...]
    notes: int
    mean_kappa: Interval
    labels: tuple[LabelAgreement, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


def measure_agreement(pairs: Pairs, annotators: Sequence[str], labels: Sequence[str]) -> Agreement:
    """Kappa per label and over labels; notes are resampled for the intervals.

    Args:
        pairs: of at least one note.
        annotators: who they are.
        labels: L names.
    """
    statistics: dict[str, Statistic] = {"mean": lambda sums: _mean(kappas(sums), axis=1)}
    for column, label in enumerate(labels):
        statistics[f"label {label}"] = _of_label(column)
    found = bootstrap(pairs, statistics)
    total = pairs.sum(axis=(0, 1))
    return Agreement(
        annotators=tuple(annotators),
        notes=len(pairs),
        mean_kappa=found["mean"],
        labels=tuple(
            LabelAgreement(
                label=label,
                compared=int(total[column].sum()),
                both_yes=int(total[column, BOTH_YES]),
                one_yes=int(total[column, FIRST_ONLY] + total[column, SECOND_ONLY]),
                kappa=found[f"label {label}"],
            )
            for column, label in enumerate(labels)
        ),
    )


def kappas(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., L) kappa, the mean over pairs; NaN where no pair has one.

    Args:
        counts: (..., pairs, L, 4) summed over notes.
    """
    shared = counts.sum(axis=-1)
    agreed = ratio(counts[..., BOTH_YES] + counts[..., BOTH_NO], shared)
    first = ratio(counts[..., BOTH_YES] + counts[..., FIRST_ONLY], shared)
    second = ratio(counts[..., BOTH_YES] + counts[..., SECOND_ONLY], shared)
    chance = first * second + (1 - first) * (1 - second)
    of_pair = ratio(agreed - chance, 1 - chance)
    weight = np.where(np.isnan(of_pair), 0.0, shared)
    return ratio((np.nan_to_num(of_pair) * weight).sum(axis=-2), weight.sum(axis=-2))


def _of_label(column: int) -> Statistic:
    return lambda sums: kappas(sums[..., column : column + 1, :])[:, 0]


def _mean(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """The mean of what is defined; NaN where nothing is."""
    known = ~np.isnan(values)
    return ratio(np.where(known, values, 0.0).sum(axis=axis), known.sum(axis=axis))
