"""The coder's two reports as HTML: one evaluation, and two runs compared."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from thce.coder.compare import McNemar
from thce.coder.evaluate import Measured
from thce.codes.code_types import CodeType
from thce.evaluation.comparison import Comparison
from thce.evaluation.intervals import Interval
from thce.evaluation.page import Cell, Column, KeyFigure, Page, Section, Table, render
from thce.evaluation.results import Provenance
from thce.evaluation.wording import (
    UNDEFINED,
    capitalised,
    counted,
    describe_provenance,
    interval,
    number,
    p_value,
    signed,
    verdict,
)

TITLES: Mapping[str, str] = {
    "exact_match": "Exact match",
    "top_1": "Top 1",
    "top_3": "Top 3",
    "top_5": "Top 5",
    "top_10": "Top 10",
    "mean_average_precision": "Mean average precision",
    "micro_precision": "Micro precision",
    "micro_recall": "Micro recall",
    "micro_f1": "Micro F1",
    "macro_f1": "Macro F1",
    "partial_credit": "Partial credit of the first code",
    "category_top_1": "Category right at the first code",
    "answered": "Answered",
    "right_when_answered": "First code right where answered",
    "valid": "Valid codes",
    "reasoned": "With reasoning",
    "reasoning_structure": "Reasoning: structure",
    "reasoning_grounded": "Reasoning: grounded",
    "reasoning_consistent": "Reasoning: consistent",
    "reasoning_words": "Reasoning: words",
    "seconds": "Seconds per narrative",
}
ERRORS: Mapping[str, str] = {
    "correct": "right",
    "side": "wrong side",
    "encounter": "wrong encounter, wound, healing or trimester",
    "specificity": "unspecified for specific, or the reverse",
    "sibling": "another child of the same parent",
    "family": "another code of the category",
    "block": "another category of the block",
    "elsewhere": "another block",
    "invalid": "not a billable code",
    "abstained": "no answer",
}


def evaluation_page(
    measured: Measured,
    by_type: Mapping[CodeType, Measured],
    latency: Mapping[str, float],
    ceiling: Mapping[str, Any],
    provenance: Provenance,
) -> str:
    """One run on one set of narratives.

    Args:
        measured: over all rows.
        by_type: over the rows of each code type.
        latency: p50 and p95 in seconds; empty where not measured.
        ceiling: what answering billable codes only can reach.
        provenance: where narratives and codes came from.
    """
    found = measured.figures
    sets = {"All": measured, **{str(kind): one for kind, one in by_type.items()}}
    return render(
        Page(
            title="Coder evaluation",
            subtitle=f"{counted(measured.rows, 'narrative')} of {provenance.corpus}",
            summary=_summary(measured, ceiling, latency),
            caution=describe_provenance(provenance),
            key_figures=[
                KeyFigure(TITLES[name], number(found[name].estimate), interval(found[name]))
                for name in ("top_1", "top_5", "micro_f1", "mean_average_precision")
            ],
            sections=[
                Section("Figures", tables=[_figure_table(sets)]),
                Section("Errors", tables=[_error_table(sets)]),
            ],
            facts=[("Narratives", provenance.corpus), ("Scored against", provenance.gold)],
        )
    )


def comparison_page(
    rows: int,
    names: Sequence[str],
    tests: Sequence[McNemar],
    differences: Sequence[Comparison],
    provenance: Provenance,
) -> str:
    """Two runs on the same rows."""
    return render(
        Page(
            title="Coder comparison",
            subtitle=f"{names[0]} against {names[1]}, {counted(rows, 'narrative')} of "
            f"{provenance.corpus}",
            summary=[f"{TITLES[one.metric]}: {verdict(one)}." for one in differences],
            caution=describe_provenance(provenance),
            sections=[
                Section("Paired differences", tables=[_difference_table(differences)]),
                Section("McNemar's test", tables=[_mcnemar_table(names, tests)]),
            ],
            facts=[("Narratives", provenance.corpus), ("Scored against", provenance.gold)],
        )
    )


def _summary(
    measured: Measured, ceiling: Mapping[str, Any], latency: Mapping[str, float]
) -> list[str]:
    found = measured.figures
    lines = [
        f"The first code is right in {_with(found['top_1'])} of the narratives, one of the first "
        f"five in {_with(found['top_5'])}.",
        f"Of {ceiling['gold_codes']:,} right codes {ceiling['billable_gold_codes']:,} are billable "
        "in the catalogue: no system that answers billable codes only can exceed a micro F1 of "
        f"{ceiling['ceiling_micro_f1']} and a mean average precision of {ceiling['ceiling_map']}.",
        f"Macro F1 is the mean over the {counted(measured.macro_codes, 'code')} that are right "
        "somewhere.",
    ]
    if latency:
        lines.append(
            f"A narrative took {latency['p50']} s in the median, {latency['p95']} s at the 95th "
            "percentile."
        )
    return lines


def _with(found: Interval) -> str:
    return f"{number(found.estimate)} ({interval(found)})"


def _figure_table(sets: Mapping[str, Measured]) -> Table:
    names = [name for name in TITLES if any(name in one.figures for one in sets.values())]
    rows = [
        [Cell(TITLES[name]), *(_cell(one.figures.get(name)) for one in sets.values())]
        for name in names
    ]
    heads = [f"{name} ({one.rows:,})" for name, one in sets.items()]
    return Table(
        caption="All narratives, and those of each code type",
        columns=[Column("Figure", "text"), *map(Column, heads)],
        rows=rows,
        note="Intervals by bootstrap over narratives. Partial credit: 1 for the code, 0.5 for its "
        "category, 0.25 for its block.",
    )


def _error_table(sets: Mapping[str, Measured]) -> Table:
    rows = [
        [Cell(title), *(Cell(f"{one.errors[kind]:,}") for one in sets.values())]
        for kind, title in ERRORS.items()
    ]
    return Table(
        caption="Right codes by how they were answered",
        columns=[Column("Answer", "text"), *map(Column, sets)],
        rows=rows,
        note="Each right code against the nearest accepted one.",
    )


def _difference_table(differences: Sequence[Comparison]) -> Table:
    rows = [
        [
            Cell(TITLES[one.metric]),
            Cell(signed(one.difference.estimate)),
            Cell(f"{signed(one.difference.low)} to {signed(one.difference.high)}"),
            Cell(p_value(one.p_adjusted)),
            Cell(capitalised(verdict(one))),
        ]
        for one in differences
    ]
    return Table(
        caption="First run less second",
        columns=[
            Column("Figure", "text"),
            *map(Column, ("Difference", "Interval", "p")),
            Column("What it is evidence of", "prose"),
        ],
        rows=rows,
        note="Intervals by paired bootstrap over narratives, p-values by approximate "
        "randomisation, corrected after Holm over the figures of this table.",
    )


def _mcnemar_table(names: Sequence[str], tests: Sequence[McNemar]) -> Table:
    titles = {"exact": "Exact match", "top_1": "Top 1", "top_5": "Top 5"}
    rows = [
        [
            Cell(titles[one.figure]),
            *(Cell(f"{count:,}") for count in (one.both, one.only_a, one.only_b, one.neither)),
            Cell(p_value(one.p_value)),
        ]
        for one in tests
    ]
    heads = ("Both", f"Only {names[0]}", f"Only {names[1]}", "Neither", "p")
    return Table(
        caption="Narratives that the two runs got right",
        columns=[Column("Figure", "text"), *map(Column, heads)],
        rows=rows,
        note="Exact test by the binomial distribution over the narratives on which the runs "
        "differ, not corrected for the number of tests.",
    )


def _cell(found: Interval | None) -> Cell:
    if found is None or np.isnan(found.estimate):
        return Cell(UNDEFINED)
    return Cell(number(found.estimate), interval(found))
