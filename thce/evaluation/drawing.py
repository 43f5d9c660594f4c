"""How every figure is drawn: one style, whatever the user's matplotlibrc, as SVG.

Colours are Okabe and Ito's, which colour-blind readers tell apart. Text stays text, so that it can
be read aloud, searched and set in the page's font. The same data gives the same bytes.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any

from thce.evaluation.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, VERMILION, GREEN, ORANGE, INK, QUIET = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#E69F00",
    "#1c2430",
    "#556070",
)
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "thce",
    "text.parse_math": False,
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelpad": 7,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#d9dee5",
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "lines.markersize": 6.0,
}


@contextmanager
def figure_axes(width: float, height: float) -> Iterator["Axes"]:
    """Axes of a figure of that size in inches, in one style whatever the user's matplotlibrc."""
    from matplotlib import rc_context, rcdefaults, rcParams
    from matplotlib.figure import Figure

    with rc_context():
        rcdefaults()
        rcParams.update(_STYLE)
        yield Figure(figsize=(width, height), layout="constrained").add_subplot()


def reach(intervals: Sequence[Interval]) -> list[list[float]]:
    """How far each interval reaches below and above its estimate."""
    below = [max(one.estimate - one.low, 0.0) for one in intervals]
    above = [max(one.high - one.estimate, 0.0) for one in intervals]
    return [below, above]


def to_svg(axes: "Axes", name: str, description: str) -> str:
    """The figure as an SVG element whose ids no other figure on the page has."""
    figure: Figure = axes.figure  # type: ignore[assignment]
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{escape(description)}" ', 1)
