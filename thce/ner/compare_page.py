"""The comparison of models as one HTML page."""

from collections.abc import Sequence

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
from thce.evaluation.page import Cell, Column, Figure, KeyFigure, Page, Section, Table, render
from thce.evaluation.results import Provenance
from thce.evaluation.sections import origin
from thce.evaluation.tables import comparison_table
from thce.evaluation.wording import (
    UNDEFINED,
    describe_provenance,
    interval,
    number,
    p_value,
    signed,
)
from thce.ner.compare_words import describe_models, missing_costs
from thce.ner.comparison import ModelComparison
from thce.ner.report_tables import figure
from thce.ner.report_words import spoken

_STYLES = (
    (BLUE, "o"),
    (VERMILION, "D"),
    (GREEN, "s"),
    (ORANGE, "^"),
    ("#CC79A7", "P"),
    (QUIET, "v"),
)


def compare_page(
    found: ModelComparison, documents: int, provenance: Provenance, facts: Sequence[tuple[str, str]]
) -> str:
    """The whole comparison.

    Args:
        found: the models compared.
        documents: how many they were compared on.
        provenance: where documents and annotations came from.
        facts: names and values that say which models these were.

    Returns:
        A self-contained HTML page.
    """
    best = found.scores[found.names.index(found.best)]
    return render(
        Page(
            title="Entity models compared",
            subtitle=f"{len(found.names)} models on {documents} documents of {provenance.corpus}",
            summary=describe_models(found),
            caution=describe_provenance(provenance),
            key_figures=[
                KeyFigure("Best model", found.best),
                KeyFigure("Micro F1", number(best.micro_f1.estimate), interval(best.micro_f1)),
                KeyFigure("Macro F1", number(best.macro_f1.estimate), interval(best.macro_f1)),
            ],
            sections=[
                Section(
                    "Quality and cost",
                    figures=_cost_figure(found),
                    tables=[quality_table(found), cost_table(found), comparison_table(found.pairs)],
                ),
                Section("Type by type", tables=[winner_table(found)]),
            ],
            facts=[*facts, *origin(provenance)],
        )
    )


def quality_table(found: ModelComparison) -> Table:
    """Each model's scores."""
    rows = [
        [
            Cell(name, "best" if name == found.best else ""),
            *map(figure, (score.precision, score.recall, score.micro_f1, score.macro_f1)),
            figure(score.lenient_f1),
        ]
        for name, score in zip(found.names, found.scores, strict=True)
    ]
    columns = ["Precision", "Recall", "Micro F1", "Macro F1", "Micro F1, overlap"]
    return Table(
        caption="Models on the same documents",
        columns=[Column("Model", "text"), *map(Column, columns)],
        rows=rows,
        note="Strict scores against the annotations as they are, and micro F1 where some overlap "
        "with the right type is enough.",
    )


def cost_table(found: ModelComparison) -> Table:
    """Each model's costs."""
    rows = [
        [
            Cell(name),
            Cell(_amount(cost.training_seconds, 60, "{:,.1f}")),
            Cell(_amount(cost.milliseconds, 1, "{:,.1f}")),
            Cell(_amount(cost.memory_mib, 1, "{:,.0f}")),
            Cell(_amount(cost.disk_mib, 1, "{:,.0f}")),
        ]
        for name, cost in zip(found.names, found.costs, strict=True)
    ]
    columns = ["Training, minutes", "A document, ms", "Memory, MiB", "Weights, MiB"]
    note = (
        "A document: median time of one alone, with the model's default weights on one core. "
        "Memory: the largest resident size of a process that answers with the model."
    )
    if missing_costs(found.costs):
        note += f" {UNDEFINED}: not measured."
    return Table(
        caption="What the models cost",
        columns=[Column("Model", "text"), *map(Column, columns)],
        rows=rows,
        note=note,
    )


def winner_table(found: ModelComparison) -> Table:
    """F1 of each type with each model, and whether another than the best overall is better."""
    rows = [
        [
            Cell(spoken(one.type)),
            Cell(f"{one.support:,}"),
            *(Cell(number(value)) for value in one.f1),
            Cell(one.best),
            Cell(
                UNDEFINED if one.best == found.best else signed(one.difference.estimate),
                "" if one.best == found.best else _signed_interval(one.difference),
            ),
            Cell(UNDEFINED if one.best == found.best else p_value(one.p_adjusted)),
        ]
        for one in found.types
    ]
    return Table(
        caption="F1 of every annotated type",
        columns=[
            Column("Type", "text"),
            Column("Annotated"),
            *map(Column, found.names),
            Column("Best", "text"),
            Column(f"Over {found.best}"),
            Column("p, corrected"),
        ],
        rows=rows,
        note="The best model of a type is picked by the figures that stand here, so that its lead "
        "is flattered; the p-value (approximate randomisation, Holm's correction over the types) "
        "says how much of it chance would bring.",
    )


def _cost_figure(found: ModelComparison) -> list[Figure]:
    """Micro F1 against the time of a document, where that was measured of all."""
    times = [cost.milliseconds for cost in found.costs if cost.milliseconds is not None]
    if len(times) < len(found.costs):
        return []
    with figure_axes(9.6, 4.2) as axes:
        for at, (name, score) in enumerate(zip(found.names, found.scores, strict=True)):
            colour, marker = _STYLES[at % len(_STYLES)]
            axes.errorbar(
                [times[at]],
                [score.micro_f1.estimate],
                yerr=reach([score.micro_f1]),
                color=colour,
                fmt=marker,
                markersize=9,
                capsize=3,
                label=name,
            )
        axes.set_xlim(0, None)
        axes.set_xlabel("Milliseconds of one document, alone")
        axes.set_ylabel("Micro F1")
        axes.margins(x=0.1, y=0.2)
        axes.figure.legend(loc="outside upper left", ncols=3)
        svg = to_svg(axes, "cost", "Micro F1 of each model against the time of a document")
    return [
        Figure(
            svg,
            "Micro F1 with 95 % bootstrap intervals over documents against speed. The models saw "
            "the same documents, so that overlapping intervals do not rule out a difference: the "
            "paired comparison decides.",
        )
    ]


def _amount(value: float | None, unit: float, form: str) -> str:
    return UNDEFINED if value is None else form.format(value / unit)


def _signed_interval(found: Interval) -> str:
    return f"{signed(found.low)} to {signed(found.high)}"
