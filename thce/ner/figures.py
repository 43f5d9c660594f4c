"""The figures of the entity report as inline SVG."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from thce.evaluation.calibration import Bin
from thce.evaluation.drawing import (
    BLUE,
    GREEN,
    ORANGE,
    QUIET,
    VERMILION,
    figure_axes,
    reach,
    to_svg,
)
from thce.evaluation.intervals import Interval
from thce.ner.counts import TIERS, GroupScore
from thce.ner.errors import Confusion
from thce.ner.operating import OperatingPoint
from thce.ner.readiness import AutomationRate
from thce.ner.type_policy import FREQUENT, FREQUENT_ABOVE, MIDDLE, RARE_BELOW, tier_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TIER_COLOURS = {FREQUENT: BLUE, MIDDLE: GREEN}
_NAMED = 10
_APART = (0.9, 0.06)
"""How far names keep from each other: in the logarithm of mentions, or in F1."""
_BINS = np.linspace(0, 1, 21)


def type_bars(types: Sequence[GroupScore], trained_on: Mapping[str, int]) -> str:
    """F1 of every annotated type with its interval, coloured by tier."""
    shown = [one for one in types if one.support]
    place = np.arange(len(shown))[::-1]
    with figure_axes(9.6, 1.3 + 0.27 * len(shown)) as axes:
        for tier, colour in _tiers():
            rows = [at for at, one in enumerate(shown) if tier_of(trained_on[one.name]) == tier]
            if not rows:
                continue
            intervals = [shown[at].f1 for at in rows]
            axes.barh(
                place[rows],
                [one.estimate for one in intervals],
                height=0.62,
                color=colour,
                alpha=0.45,
                xerr=reach(intervals),
                error_kw={"ecolor": colour, "elinewidth": 1.4, "capsize": 2.5},
                label=_tier_title(tier),
            )
        axes.set_yticks(place, [f"{_spoken(one.name)} ({one.support})" for one in shown])
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.set_xlim(0, 1.01)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("F1 (annotated mentions in brackets)")
        _legend_of(axes)
        return to_svg(axes, "type-f1", "F1 of each type with its interval")


def frequency_scatter(types: Sequence[GroupScore], trained_on: Mapping[str, int]) -> str:
    """F1 of every annotated type against its mentions in training."""
    shown = [one for one in types if one.support and trained_on[one.name]]
    with figure_axes(9.6, 4.8) as axes:
        for edge in (RARE_BELOW, FREQUENT_ABOVE):
            axes.axvline(edge, color=QUIET, linewidth=1, linestyle=":")
        for tier, colour in _tiers():
            group = [one for one in shown if tier_of(trained_on[one.name]) == tier]
            if group:
                axes.errorbar(
                    [trained_on[one.name] for one in group],
                    [one.f1.estimate for one in group],
                    yerr=reach([one.f1 for one in group]),
                    fmt="o",
                    color=colour,
                    elinewidth=0.8,
                    alpha=0.85,
                    label=_tier_title(tier),
                )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.xaxis.set_minor_formatter("")
        axes.set_ylim(-0.03, 1.03)
        _name_points(axes, shown, trained_on)
        axes.set_xlabel("Mentions in training (logarithmic)")
        axes.set_ylabel("F1 on the test documents")
        _legend_of(axes)
        return to_svg(axes, "frequency-f1", "F1 of each type against its mentions in training")


def confusion_map(confusion: Confusion) -> str:
    """What annotated types are predicted as, each row as shares of itself, with its counts."""
    counts = confusion.counts
    names = [_spoken(name) for name in confusion.names]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(names)
    with figure_axes(10.4, 1.9 + 0.42 * size) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for row in range(size):
            for column in range(size):
                if counts[row, column]:
                    dark = shares[row, column] > 0.55
                    axes.text(
                        column,
                        row,
                        str(counts[row, column]),
                        ha="center",
                        va="center",
                        fontsize=9,
                        color="white" if dark else "#1c2430",
                    )
        axes.set_xticks(range(size), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(size), names)
        axes.grid(visible=False)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xlabel("Predicted")
        axes.set_ylabel("Annotated")
        return to_svg(axes, "confusion", "Annotated types against predicted types")


def confidence_histograms(
    right: NDArray[np.float64], wrong: NDArray[np.float64], missed: NDArray[np.float64]
) -> str:
    """Confidence of right and wrong predictions, and what missed annotations were given."""
    kinds = (
        ("Right predictions", right, BLUE, "-"),
        ("Wrong predictions", wrong, VERMILION, "--"),
        ("Missed annotations", missed, ORANGE, "-."),
    )
    with figure_axes(9.6, 4.2) as axes:
        for name, values, colour, dashes in kinds:
            if not len(values):
                continue
            share, _ = np.histogram(values, _BINS)
            axes.stairs(
                share / len(values), _BINS, color=colour, fill=True, alpha=0.14, linewidth=0
            )
            axes.stairs(
                share / len(values),
                _BINS,
                color=colour,
                linestyle=dashes,
                linewidth=2,
                label=f"{name} ({len(values):,})",
            )
        axes.set_xlim(0, 1)
        axes.set_xlabel("Least probability over the words")
        axes.set_ylabel("Share of each kind")
        axes.legend(loc="upper left")
        return to_svg(axes, "confidence", "Confidence of right, wrong and missed mentions")


def reliability_lines(bins: Mapping[str, Sequence[Bin]]) -> str:
    """Observed against predicted share of right spans, before and after calibration."""
    styles = ((VERMILION, "D", "--"), (GREEN, "s", "-."), (BLUE, "o", "-"))
    with figure_axes(5.8, 5.2) as axes:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":", label="Perfect")
        for (name, parts), (colour, marker, dashes) in zip(bins.items(), styles, strict=False):
            axes.errorbar(
                [part.mean_probability for part in parts],
                [part.observed.estimate for part in parts],
                yerr=reach([part.observed for part in parts]),
                color=colour,
                marker=marker,
                linestyle=dashes,
                linewidth=1.4,
                elinewidth=0.8,
                capsize=2,
                label=name,
            )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal")
        axes.set_xlabel("Confidence")
        axes.set_ylabel("Share that is right")
        axes.legend(loc="upper left")
        return to_svg(axes, "calibration", "Share of right spans against their confidence")


def precision_coverage(points: Sequence[OperatingPoint], sweet_spot: float) -> str:
    """Precision, coverage and recall at each threshold; the sweet spot is marked."""
    with figure_axes(9.6, 4.4) as axes:
        axes.axvline(sweet_spot, color=QUIET, linewidth=1.2, linestyle=":")
        at = [one.threshold for one in points]
        _curve(axes, at, [one.precision for one in points], BLUE, "o", "-", "Precision")
        _curve(axes, at, [one.coverage for one in points], VERMILION, "D", "--", "Coverage")
        _curve(axes, at, [one.recall for one in points], GREEN, "s", "-.", "Recall")
        axes.set_ylim(0, 1.02)
        axes.set_xticks(at)
        axes.set_xlabel("Threshold of confidence (dotted: the sweet spot)")
        axes.set_ylabel("Share")
        axes.figure.legend(loc="outside upper left", ncols=3)
        return to_svg(axes, "precision-coverage", "Precision, coverage and recall by threshold")


def automation_curve(rates: Sequence[AutomationRate]) -> str:
    """Share of documents and of mentions that need no person, at each threshold."""
    with figure_axes(9.6, 3.8) as axes:
        at = [one.threshold for one in rates]
        _curve(axes, at, [one.documents for one in rates], BLUE, "o", "-", "Documents")
        axes.plot(
            at,
            [one.mentions for one in rates],
            color=VERMILION,
            marker="D",
            linestyle="--",
            label="Mentions",
        )
        axes.set_ylim(-0.02, 1.02)
        axes.set_xticks(at)
        axes.set_xlabel("Threshold of confidence")
        axes.set_ylabel("Share without a person")
        axes.figure.legend(loc="outside upper left", ncols=2)
        return to_svg(axes, "automation", "Share of documents and mentions without a person")


def _curve(
    axes: "Axes",
    x: Sequence[float],
    y: Sequence[Interval],
    colour: str,
    marker: str,
    dashes: str,
    name: str,
) -> None:
    low, high = [one.low for one in y], [one.high for one in y]
    axes.fill_between(x, low, high, color=colour, alpha=0.14, linewidth=0)
    axes.plot(
        x, [one.estimate for one in y], color=colour, marker=marker, linestyle=dashes, label=name
    )


def _name_points(axes: "Axes", shown: Sequence[GroupScore], trained_on: Mapping[str, int]) -> None:
    """Names the types that a line of F1 on the logarithm of frequency fits worst."""
    if len(shown) < 3:
        return
    x = np.log([trained_on[one.name] for one in shown])
    y = np.array([one.f1.estimate for one in shown])
    slope, shift = np.polyfit(x, y, 1)
    named: list[int] = []
    for at in np.argsort(-np.abs(y - slope * x - shift)).tolist():
        gaps = [(abs(x[at] - x[one]), abs(y[at] - y[one])) for one in named]
        near = any(wide < _APART[0] and high < _APART[1] for wide, high in gaps)
        if not near and len(named) < _NAMED:
            named.append(at)
    for at in named:
        axes.annotate(
            _spoken(shown[at].name),
            (trained_on[shown[at].name], y[at]),
            textcoords="offset points",
            xytext=(6, 5),
            fontsize=9,
        )


def _legend_of(axes: "Axes") -> None:
    """The tiers that were drawn; none where nothing was annotated."""
    if axes.get_legend_handles_labels()[1]:
        axes.figure.legend(loc="outside upper left", ncols=3)


def _tier_title(tier: str) -> str:
    """A tier and which counts in training it holds."""
    if tier == FREQUENT:
        return f"{tier} (over {FREQUENT_ABOVE:,} in training)"
    if tier == MIDDLE:
        return f"{tier} ({RARE_BELOW} to {FREQUENT_ABOVE:,})"
    return f"{tier} (under {RARE_BELOW})"


def _tiers() -> list[tuple[str, str]]:
    return [(tier, _TIER_COLOURS.get(tier, VERMILION)) for tier in TIERS]


def _spoken(name: str) -> str:
    return name.replace("_", " ")
