"""Paired comparison of systems on the same notes.

Two systems that saw the same notes are compared note by note: the interval of the difference
comes from resampling notes for both at once, and the p-value from swapping the two systems'
answers on notes at random.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import (
    LEVEL,
    RESAMPLES,
    SEED,
    Contributions,
    Groups,
    Interval,
    Statistic,
    bootstrap,
    resampling_units,
)
from thce.evaluation.multilabel import macro_f1, micro_f1, nan_to_none

SWAPS = 9999
METRICS: Mapping[str, Statistic] = {"micro_f1": micro_f1, "macro_f1": macro_f1}
_SIGNS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class Comparison:
    """One metric of system `a` less that of system `b` on the same notes.

    Attributes:
        metric: micro_f1 or macro_f1.
        a: name of one system.
        b: name of the other.
        difference: a less b, with its paired bootstrap interval.
        p_value: of no difference, two-sided, by approximate randomisation.
        p_adjusted: the same after Holm's correction over the comparisons of this metric that
            were made together.
    """

    metric: str
    a: str
    b: str
    difference: Interval
    p_value: float
    p_adjusted: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return nan_to_none(asdict(self))


def compare(
    outcomes: Mapping[str, Contributions],
    pairs: Sequence[tuple[str, str]],
    *,
    groups: Groups | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
    level: float = LEVEL,
) -> list[Comparison]:
    """Compares pairs of systems in micro and macro F1.

    Args:
        outcomes: per system (n, 3, L), what each note adds (`multilabel.outcomes`), the notes
            in the same order for all.
        pairs: names of the systems to compare, (a, b) for a less b.
        groups: n group names; whole groups are resampled and swapped. None takes notes.
        resamples: bootstrap resamples.
        seed: of resampling and swapping.
        level: coverage aimed at.
    """
    found: list[Comparison] = []
    for a, b in pairs:
        both = np.stack([outcomes[a], outcomes[b]], axis=1)
        differences = bootstrap(
            both,
            {metric: _less(statistic) for metric, statistic in METRICS.items()},
            groups=groups,
            resamples=resamples,
            seed=seed,
            level=level,
        )
        p_values = randomisation_test(both, METRICS, groups=groups, seed=seed)
        found += [
            Comparison(metric, a, b, differences[metric], p_values[metric], p_values[metric])
            for metric in METRICS
        ]
    return [adjusted for metric in METRICS for adjusted in _adjusted(found, metric)]


def randomisation_test(
    both: Contributions,
    statistics: Mapping[str, Statistic],
    *,
    groups: Groups | None = None,
    swaps: int = SWAPS,
    seed: int = SEED,
) -> dict[str, float]:
    """Two-sided p-values of no difference between two systems (Noreen 1989; Yeh 2000).

    If the systems were alike, their answers on any note could be swapped. p is the share of
    random swaps whose absolute difference is at least the one seen, the real one counted in.

    Args:
        both: (n, 2, ...) what each note adds for the one system and for the other.
        statistics: by name.
        groups: n group names; whole groups are swapped.
        swaps: how many random swaps.
        seed: of the swaps.
    """
    units = resampling_units(both, groups).astype(np.float32)
    total = units.sum(axis=0, dtype=np.float64)
    gap = (units[:, 1] - units[:, 0]).reshape(len(units), -1)
    differing = gap[gap.any(axis=1)]
    seen = {name: _difference(statistic, total[None])[0] for name, statistic in statistics.items()}
    as_large = dict.fromkeys(statistics, 1)
    generator = np.random.default_rng(seed)
    batch = max(1, _SIGNS_AT_ONCE // max(1, len(differing)))
    for start in range(0, swaps, batch):
        size = min(batch, swaps - start)
        swapped = generator.integers(2, size=(size, len(differing)), dtype=np.uint8)
        moved = (swapped.astype(np.float32) @ differing).reshape(size, *total.shape[1:])
        sums = np.stack([total[0] + moved, total[1] - moved], axis=1)
        for name, statistic in statistics.items():
            distance = np.abs(_difference(statistic, sums))
            as_large[name] += int((distance >= abs(seen[name]) - 1e-12).sum())
    return {name: count / (swaps + 1) for name, count in as_large.items()}


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values corrected for being several, in the order given (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values)[order] * np.arange(len(p_values), 0, -1)
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return corrected.tolist()


def _less(statistic: Statistic) -> Statistic:
    return lambda sums: _difference(statistic, sums)


def _difference(statistic: Statistic, sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return statistic(sums[:, 0]) - statistic(sums[:, 1])


def _adjusted(comparisons: Sequence[Comparison], metric: str) -> list[Comparison]:
    family = [comparison for comparison in comparisons if comparison.metric == metric]
    corrected = holm([comparison.p_value for comparison in family])
    return [
        replace(comparison, p_adjusted=p) for comparison, p in zip(family, corrected, strict=True)
    ]
