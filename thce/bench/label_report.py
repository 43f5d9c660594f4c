"""The HTML report of a label-efficiency bench."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thce.bench.label_curves import BASELINE, Curves, StrategyResult
from thce.evaluation.figures import Line, line_chart
from thce.evaluation.intervals import Interval
from thce.evaluation.page import Cell, Column, Figure, KeyFigure, Page, Section, Table, render
from thce.evaluation.results import Provenance
from thce.evaluation.sections import origin
from thce.evaluation.wording import (
    UNDEFINED,
    counted,
    describe_provenance,
    interval,
    number,
    percent,
    signed,
)
from thce.files import write_text
from thce.registry.annotators import ORACLE

if TYPE_CHECKING:
    from thce.bench.label_efficiency import LabelEfficiencyConfig, Setting

TARGET = 0.6
"""The share of random's labels that the best strategy may need: the aim of the bench."""

_TITLES = {
    "disagreement": "Disagreement",
    "uncertainty": "Uncertainty",
    "random": "Random",
    "rare_boost": "Rare flags",
    "hybrid": "Hybrid",
}
_LEARNERS = {
    "probe": (
        "linear probe: logistic regression per flag on TF-IDF of words and word pairs",
        "The learner is a linear probe on words; the fine-tuned encoder may rank the "
        "strategies otherwise.",
    ),
    "finetune": (
        "the registry's encoder, fine-tuned in every round",
        "The learner is the encoder itself, fine-tuned in every round of every course.",
    ),
}
_SIGNALS = {
    "form and codes": (
        "Unanswered notes are labelled by form and billing codes alone, and these alone stand "
        "against the model."
    ),
    "form, codes and keywords": (
        "Form, codes and keyword rules label unanswered notes and stand against the model. "
        "Optimistic on notes that the rules were corrected on, as the shipped ones are: whatever "
        "is at odds with rules that are nearly always right is an error of the model, which no "
        "rule can promise on notes of others."
    ),
}


def write_report(
    config: "LabelEfficiencyConfig",
    courses: Mapping["Setting", Curves],
    results: Mapping["Setting", Sequence[StrategyResult]],
    path: Path,
) -> Path:
    """Writes the report.

    Args:
        config: of the bench.
        courses: by setting, the main one first.
        results: of the same courses.
        path: the HTML file.
    """
    curves = next(iter(courses.values()))
    budget, (splits, seeds) = int(curves.spent[-1]), curves.scores.shape[:2]
    provenance = Provenance(
        gold="the gold labels of the input",
        corpus=config.corpus,
        fictional=config.fictional,
        reviewed_by_clinician=config.reviewed_by_clinician,
        annotator=ORACLE,
        seeds={"splits, starts, ties, bootstrap": config.seed},
    )
    page = Page(
        title="Label efficiency of the sampling strategies",
        subtitle=f"Each against random from the same starts, on {config.corpus}",
        summary=_summary(config, results, budget),
        caution=describe_provenance(provenance),
        key_figures=_key_figures(results, splits * seeds),
        sections=[
            _section(config, setting, part, courses[setting].spent.tolist())
            for setting, part in results.items()
        ],
        facts=[
            ("Learner", _LEARNERS[config.learner][0]),
            ("Splits and starts", f"{splits} splits, {counted(seeds, 'start')} on each"),
            ("Budget", f"{config.start} at random, then {config.rounds} batches of {config.batch}"),
            ("Test", f"{percent(config.test_share)} of the notes in each split"),
            *origin(provenance),
        ],
    )
    write_text(path, render(page))
    return path


def best_strategy(results: Sequence[StrategyResult]) -> StrategyResult:
    """The strategy that needs the fewest labels for random's final macro F1; then by area."""
    others = [one for one in results if one.strategy != BASELINE] or list(results)
    return min(others, key=lambda one: (one.labels.estimate, -one.area["macro_f1"].estimate))


def _summary(
    config: "LabelEfficiencyConfig",
    results: Mapping["Setting", Sequence[StrategyResult]],
    budget: int,
) -> list[str]:
    return [
        *(_finding(setting, part, budget) for setting, part in results.items()),
        _LEARNERS[config.learner][1],
        "The best strategy of each setting was picked by the figures it is shown with. Intervals "
        "redraw splits and, within them, starts; all splits are of the same notes, so they say "
        "nothing of other notes.",
    ]


def _finding(setting: "Setting", results: Sequence[StrategyResult], budget: int) -> str:
    best, random = best_strategy(results), _random(results)
    gain, name = best.gain["macro_f1"], _TITLES[best.strategy].lower()
    reached = (
        f"Pool {setting.pool}, {setting.signals}: with {budget} notes answered, random sampling "
        f"brings the model alone to macro F1 {number(random.final['macro_f1'].estimate)}; "
    )
    averaged = (
        f"{signed(gain.estimate)} against random's ({signed(gain.low)} to {signed(gain.high)}, "
        "paired)."
    )
    if best is random:
        return f"{reached}no other strategy was played."
    if np.isinf(best.labels.estimate):
        return (
            f"{reached}no other strategy gets there for good. The one with the highest macro F1 "
            f"averaged over the budget, {name}, is {averaged}"
        )
    verdict = "meets" if best.share.estimate <= TARGET else "misses"
    return (
        f"{reached}the strategy {name} needs {best.labels.estimate:.0f} notes for it, "
        f"{percent(best.share.estimate)} of random's ({_share(best.share)}), which {verdict} the "
        f"aim of {percent(TARGET)}. Its macro F1 averaged over the budget is {averaged}"
    )


def _random(results: Sequence[StrategyResult]) -> StrategyResult:
    return next(one for one in results if one.strategy == BASELINE)


def _key_figures(
    results: Mapping["Setting", Sequence[StrategyResult]], courses: int
) -> list[KeyFigure]:
    figures = [
        KeyFigure(
            f"Share of random's labels, pool {setting.pool}",
            _percent(best.share.estimate),
            f"{_TITLES[best.strategy].lower()}, {setting.signals}",
        )
        for setting, part in results.items()
        for best in (best_strategy(part),)
    ]
    return [*figures, KeyFigure("Courses", f"{courses}", "of each strategy and setting")]


def _section(
    config: "LabelEfficiencyConfig",
    setting: "Setting",
    results: Sequence[StrategyResult],
    spent: Sequence[int],
) -> Section:
    ordered = sorted(results, key=lambda one: one.strategy != BASELINE)
    banded = (BASELINE, best_strategy(results).strategy)
    pools = {
        "as given": "The pool holds the notes as they are.",
        "skewed": (
            f"In each split {config.rare_flags} flags drawn at random are thinned to "
            f"{config.rare_positives} positives in the pool; the test keeps all of its notes."
        ),
    }
    return Section(
        title=f"Pool {setting.pool}, {setting.signals}",
        paragraphs=[f"{pools[setting.pool]} {_SIGNALS[setting.signals]}"],
        figures=[
            _figure(setting, ordered, spent, metric, title, banded)
            for metric, title in (("macro_f1", "Macro F1"), ("micro_f1", "Micro F1"))
        ],
        tables=[_table(ordered)],
    )


def _figure(
    setting: "Setting",
    results: Sequence[StrategyResult],
    spent: Sequence[int],
    metric: str,
    title: str,
    banded: tuple[str, str],
) -> Figure:
    lines = [
        Line(_TITLES[one.strategy], spent, one.curve[metric], one.strategy in banded)
        for one in results
    ]
    level = results[0].final[metric].estimate
    svg = line_chart(
        lines,
        name=re.sub(r"\W+", "-", f"{metric} {setting.pool} {setting.signals}"),
        description=f"{title} of each strategy against notes answered, pool {setting.pool}",
        x="Notes answered",
        y=f"{title} of the model alone on test notes",
        level=level,
    )
    names = " and ".join(_TITLES[name].lower() for name in dict.fromkeys(banded))
    return Figure(
        svg,
        f"{title} of the model alone, mean over splits and starts. Bands ({names}) "
        f"are 95 % intervals of the mean; since courses are paired, "
        f"overlapping bands do not rule out a difference. Dotted: where random ends.",
    )


def _table(results: Sequence[StrategyResult]) -> Table:
    columns = [
        Column("Strategy", "text"),
        Column("Notes"),
        Column("Share of random's"),
        Column("Macro F1, area"),
        Column("less random's"),
        Column("at the end"),
        Column("Micro F1, area"),
        Column("less random's"),
    ]
    return Table(
        caption="Area is F1 averaged over the budget; small figures are 95 % intervals",
        columns=columns,
        rows=[_cells(one) for one in results],
        note="Notes: answered, those of the start included, when the mean macro F1 passes random's "
        "last one and falls below it no more; a dash where it never does.",
    )


def _cells(one: StrategyResult) -> list[Cell]:
    def plain(value: Interval) -> Cell:
        return Cell(number(value.estimate), interval(value))

    def paired(value: Interval) -> Cell:
        if one.strategy == BASELINE:
            return Cell("")
        return Cell(signed(value.estimate), f"{signed(value.low)} to {signed(value.high)}")

    finite = np.isfinite(one.labels.estimate)
    return [
        Cell(_TITLES[one.strategy]),
        Cell(f"{one.labels.estimate:.0f}" if finite else UNDEFINED),
        Cell(_percent(one.share.estimate), _share(one.share)),
        plain(one.area["macro_f1"]),
        paired(one.gain["macro_f1"]),
        Cell(number(one.final["macro_f1"].estimate)),
        plain(one.area["micro_f1"]),
        paired(one.gain["micro_f1"]),
    ]


def _share(share: Interval) -> str:
    return f"{_percent(share.low)} to {_percent(share.high)}"


def _percent(value: float) -> str:
    return percent(value) if np.isfinite(value) else "more than 100\N{NO-BREAK SPACE}%"
