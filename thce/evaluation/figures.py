"""Figures of labels, rounds and curves as inline SVG, drawn as `drawing` says.

Curves differ in marker and line style as well as in colour, for print.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
from thce.evaluation.results import RoundResult, SystemScore
from thce.evaluation.wording import system_title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MARKERS = ((VERMILION, "D"), (GREEN, "s"), (ORANGE, "^"))
_LINES: tuple[tuple[str, str, Any], ...] = (
    (QUIET, "o", "-"),
    (BLUE, "s", "-"),
    (VERMILION, "D", "--"),
    (GREEN, "^", "-."),
    (ORANGE, "v", (0, (5, 1, 1, 1, 1, 1))),
    ("#CC79A7", "P", (0, (3, 1))),
)


@dataclass(frozen=True)
class Line:
    """One curve: a value with its interval at each x; the interval is drawn where `band` is."""

    name: str
    x: Sequence[int]
    y: Sequence[Interval]
    band: bool = False


def label_f1_bars(systems: Sequence[SystemScore], titles: Mapping[str, str]) -> str:
    """F1 of every label with support: bars with intervals for the first system, marks for others.

    Args:
        systems: the first is drawn as bars, up to three more as marks.
        titles: label titles by name; a label without one stands under its name.
    """
    main, others = systems[0], systems[1:4]
    shown = [row for row, label in enumerate(main.score.labels) if label.support]
    names = [
        f"{titles.get(label.name, label.name)} ({label.support})"
        for label in (main.score.labels[row] for row in shown)
    ]
    place = np.arange(len(shown))[::-1]
    with figure_axes(9.6, 1.2 + 0.29 * len(shown)) as axes:
        intervals = [main.label_f1[row] for row in shown]
        axes.barh(
            place,
            [one.estimate for one in intervals],
            height=0.62,
            color="#9ecae8",
            edgecolor=BLUE,
            linewidth=0.8,
            xerr=reach(intervals),
            error_kw={"ecolor": BLUE, "elinewidth": 1.4, "capsize": 2.5},
            label=system_title(main.name),
        )
        for system, (colour, marker) in zip(others, _MARKERS, strict=False):
            axes.plot(
                [system.label_f1[row].estimate for row in shown],
                place,
                marker,
                color=colour,
                markeredgecolor="white",
                markeredgewidth=0.6,
                label=system_title(system.name),
            )
        axes.set_yticks(place, names)
        axes.set_ylim(-0.7, len(shown) - 0.3)
        axes.set_xlim(0, 1.01)
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("F1 (positives in brackets behind each label)")
        handles, named = axes.get_legend_handles_labels()
        bars_first = sorted(range(len(named)), key=lambda at: named[at] != system_title(main.name))
        axes.figure.legend(
            [handles[at] for at in bars_first],
            [named[at] for at in bars_first],
            loc="outside upper left",
            ncols=4,
        )
        return to_svg(axes, "label-f1", "F1 of each label with its interval")


def learning_curve(rounds: Sequence[RoundResult]) -> str:
    """Micro and macro F1 of each round against labels spent, with interval bands."""
    spent = [one.labels_spent for one in rounds]
    scores = [one.evaluation.main for one in rounds]
    with figure_axes(9.6, 4.0) as axes:
        micro, macro = [one.micro_f1 for one in scores], [one.macro_f1 for one in scores]
        _band(axes, spent, micro, BLUE, "o", "-", "Micro F1")
        _band(axes, spent, macro, VERMILION, "D", "--", "Macro F1")
        axes.set_ylim(0, 1.02)
        axes.set_xlabel("Labels spent (notes answered)")
        axes.set_ylabel("F1 on the frozen test notes")
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="lower right")
        return to_svg(axes, "learning-curve", "Micro and macro F1 against labels spent")


def disagreement_curve(rounds: Sequence[RoundResult]) -> str:
    """The share of pool notes in which model and signals disagree, round by round."""
    with figure_axes(9.6, 3.2) as axes:
        numbers = [one.number for one in rounds]
        rates = [one.disagreement for one in rounds]
        _band(axes, numbers, rates, GREEN, "s", "-", "Disagreement rate")
        axes.set_ylim(0, 1.02)
        axes.set_xticks(numbers)
        axes.set_xlabel("Round")
        axes.set_ylabel("Share of pool notes")
        return to_svg(axes, "disagreement", "Disagreement rate by round")


def reliability_diagram(bins: Sequence[Bin]) -> str:
    """Observed against predicted frequency, with the diagonal of perfect calibration."""
    with figure_axes(5.2, 4.6) as axes:
        axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=":", label="Perfect")
        axes.errorbar(
            [part.mean_probability for part in bins],
            [part.observed.estimate for part in bins],
            yerr=reach([part.observed for part in bins]),
            color=BLUE,
            marker="o",
            linewidth=1.4,
            capsize=2.5,
            label="Model",
        )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal")
        axes.set_xlabel("Mean predicted probability")
        axes.set_ylabel("Share that is true")
        axes.legend(loc="upper left")
        return to_svg(axes, "reliability", "Observed against predicted frequency")


def line_chart(
    lines: Sequence[Line], *, name: str, description: str, x: str, y: str, level: float
) -> str:
    """Up to six curves, told apart by colour, marker and line style.

    Args:
        lines: in the order of the legend.
        name: of the figure among those of its page.
        description: read aloud in its place.
        x: label of the horizontal axis.
        y: label of the vertical axis.
        level: a height to mark by a dotted line.
    """
    with figure_axes(9.6, 4.6) as axes:
        axes.axhline(level, color=QUIET, linewidth=1.2, linestyle=":")
        for line, (colour, marker, dashes) in zip(lines, _LINES, strict=False):
            if line.band:
                low, high = [one.low for one in line.y], [one.high for one in line.y]
                axes.fill_between(line.x, low, high, color=colour, alpha=0.14, linewidth=0)
            axes.plot(
                line.x,
                [one.estimate for one in line.y],
                color=colour,
                marker=marker,
                linestyle=dashes,
                markersize=5,
                label=line.name,
            )
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        axes.locator_params(axis="x", integer=True)
        axes.legend(loc="lower right", ncols=2)
        return to_svg(axes, name, description)


def _band(
    axes: "Axes",
    x: Sequence[int],
    intervals: Sequence[Interval],
    colour: str,
    marker: str,
    line: str,
    name: str,
) -> None:
    low, high = [one.low for one in intervals], [one.high for one in intervals]
    estimates = [one.estimate for one in intervals]
    axes.fill_between(x, low, high, color=colour, alpha=0.16, linewidth=0)
    if len(x) == 1:
        axes.vlines(x, low, high, color=colour)
    axes.plot(x, estimates, color=colour, marker=marker, linestyle=line, label=name)
