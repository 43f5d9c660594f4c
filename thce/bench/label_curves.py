"""Learning curves of several strategies: area, labels to a target, and intervals of both.

The interval resamples splits and, within each, seeds: two courses on one split share its test
notes and are not independent. It says how the figure would move on other splits of the same
notes, not on other notes.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.intervals import LEVEL, RESAMPLES, SEED, Interval

Floats = NDArray[np.float64]

MICRO, MACRO = 0, 1
METRICS = {"micro_f1": MICRO, "macro_f1": MACRO}
BASELINE = "random"


@dataclass(frozen=True)
class Curves:
    """What all courses of a bench reached.

    Attributes:
        strategies: names, the baseline among them.
        spent: (r,) notes answered at each measurement.
        scores: (splits, seeds, strategies, 2, r): micro and macro F1 on the test notes.
    """

    strategies: tuple[str, ...]
    spent: NDArray[np.int64]
    scores: Floats

    @property
    def baseline(self) -> int:
        """Position of the baseline."""
        return self.strategies.index(BASELINE)


@dataclass(frozen=True)
class StrategyResult:
    """One strategy against random on the same starts.

    Attributes:
        strategy: its name.
        final: metric -> F1 once the budget is spent.
        area: metric -> mean F1 over the budget (area under the curve by its width).
        gain: metric -> area less the baseline's, paired.
        labels: notes answered when its mean macro F1 reaches the baseline's final one for good;
            infinite where it never does.
        share: `labels` by the baseline's budget.
        curve: metric -> one interval per measurement.
    """

    strategy: str
    final: dict[str, Interval]
    area: dict[str, Interval]
    gain: dict[str, Interval]
    labels: Interval
    share: Interval
    curve: dict[str, list[Interval]]


def summarise(curves: Curves, resamples: int = RESAMPLES, seed: int = SEED) -> list[StrategyResult]:
    """Every strategy's figures with intervals over splits and seeds.

    Args:
        curves: of all courses.
        resamples: how many.
        seed: of the resampling.
    """
    drawn = resampled_means(curves.scores, resamples, seed)
    mean = curves.scores.mean(axis=(0, 1))
    return [_strategy_result(curves, mean, drawn, at) for at in range(len(curves.strategies))]


def resampled_means(scores: Floats, resamples: int, seed: int) -> Floats:
    """(resamples, strategies, 2, r) mean curves over splits, and seeds within them, redrawn."""
    splits, seeds = scores.shape[:2]
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, *scores.shape[2:]))
    for number in range(resamples):
        split = generator.integers(splits, size=(splits, 1))
        within = generator.integers(seeds, size=(splits, seeds))
        means[number] = scores[split, within].mean(axis=(0, 1))
    return means


def area_under(curve: Floats, spent: NDArray[np.int64]) -> Floats:
    """Mean height of curves (..., r) between first and last measurement, by trapezoids."""
    area = np.asarray(np.trapezoid(curve, spent, axis=-1), dtype=np.float64)
    return area / float(np.ptp(spent))


def labels_to_reach(curve: Floats, target: Floats, spent: NDArray[np.int64]) -> Floats:
    """(...) labels at which curves (..., r) reach a target and fall below it no more.

    Between two measurements the curve is taken as straight. Infinite where the last measurement
    is below the target. The first crossing would flatter a noisy curve; the last one does not.
    """
    flat, aim = curve.reshape(-1, curve.shape[-1]), np.broadcast_to(target, curve.shape[:-1])
    found = [
        _last_crossing(row, level, spent) for row, level in zip(flat, aim.ravel(), strict=True)
    ]
    return np.array(found).reshape(curve.shape[:-1])


def _last_crossing(curve: Floats, target: float, spent: NDArray[np.int64]) -> float:
    below = np.flatnonzero(curve < target)
    if not len(below):
        return float(spent[0])
    last = int(below[-1])
    if last == len(curve) - 1:
        return np.inf
    part = (target - curve[last]) / (curve[last + 1] - curve[last])
    return float(spent[last] + part * (spent[last + 1] - spent[last]))


def _strategy_result(curves: Curves, mean: Floats, drawn: Floats, at: int) -> StrategyResult:
    """Figures of the strategy at one position.

    Args:
        curves: of all courses.
        mean: (strategies, 2, r) mean curves.
        drawn: (resamples, strategies, 2, r) likewise, redrawn.
        at: the position.
    """
    spent, base = curves.spent, curves.baseline
    everything = np.concatenate([mean[None], drawn])

    def by_metric(statistic: Callable[[int], Floats]) -> dict[str, Interval]:
        return {name: _interval(statistic(metric)) for name, metric in METRICS.items()}

    def area(metric: int) -> Floats:
        return area_under(everything[:, at, metric], spent)

    def gain(metric: int) -> Floats:
        return area(metric) - area_under(everything[:, base, metric], spent)

    labels = labels_to_reach(everything[:, at, MACRO], everything[:, base, MACRO, -1], spent)
    return StrategyResult(
        strategy=curves.strategies[at],
        final=by_metric(lambda metric: everything[:, at, metric, -1]),
        area=by_metric(area),
        gain=by_metric(gain),
        labels=_interval(labels),
        share=_interval(labels / spent[-1]),
        curve={
            name: [_interval(values) for values in everything[:, at, metric].T]
            for name, metric in METRICS.items()
        },
    )


def _interval(values: Floats) -> Interval:
    """The first value with percentiles of the others.

    They are values themselves: between a number and infinity there is none.
    """
    edges = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(values[1:], edges, method="inverted_cdf")
    return Interval(float(values[0]), float(low), float(high))
