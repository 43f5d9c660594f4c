"""The tables of the entity report."""

from collections.abc import Sequence

import numpy as np

from thce.evaluation.intervals import Interval
from thce.evaluation.page import Cell, Column, Table
from thce.evaluation.wording import UNDEFINED, interval, number, percent
from thce.ner.analysis_results import Analysis
from thce.ner.counts import GroupScore
from thce.ner.errors import Example
from thce.ner.matching import Category
from thce.ner.report_words import spoken
from thce.ner.type_policy import tier_of


def score_table(analysis: Analysis) -> Table:
    """All types together, against the projection and against the annotations as they are."""
    performance = analysis.performance
    rows = [
        [
            Cell(name),
            figure(score.precision),
            figure(score.recall),
            figure(score.micro_f1),
            figure(score.macro_f1),
            figure(score.lenient_f1),
        ]
        for name, score in (
            ("BIO projection", performance.projected),
            ("Annotations as they are", performance.original),
        )
    ]
    columns = ["Precision", "Recall", "Micro F1", "Macro F1", "Micro F1, overlap"]
    return Table(
        caption="All types together",
        columns=[Column("Scored against", "text"), *map(Column, columns)],
        rows=rows,
        note="Strict: a mention is right with its type and both ends. Overlap: the right type and "
        "one character in common are enough. Intervals of 95 % by bootstrap over documents.",
    )


def type_table(analysis: Analysis) -> Table:
    """Each type: scores and what became of its mentions."""
    performance = analysis.performance
    rows = []
    for one in performance.types:
        counts = analysis.errors.categories.get(one.name, {})
        seen = performance.trained_on[one.name]
        errors = [Category.BOUNDARY, Category.TYPE, Category.MISSED, Category.SPURIOUS]
        rows.append(
            [
                Cell(spoken(one.name)),
                Cell(f"{seen:,}", tier_of(seen)),
                *_scores(one),
                *(Cell(f"{counts.get(category.value, 0):,}") for category in errors),
            ]
        )
    columns = ["In training", *_SCORES, "Boundary", "Other type", "Missed", "Spurious"]
    return Table(
        caption="Every type, the most frequent in training first",
        columns=[Column("Type", "text"), *map(Column, columns)],
        rows=rows,
        note="Each annotated and each predicted mention is in exactly one of right, boundary (the "
        "right type, other ends), other type, missed and spurious; a pair of two types stands "
        f"under the annotated one. {UNDEFINED}: nothing to divide by.",
    )


def group_table(groups: Sequence[GroupScore], caption: str, heading: str) -> Table:
    """Groups of mentions, such as tiers or lengths."""
    return Table(
        caption=caption,
        columns=[Column(heading, "text"), *map(Column, _SCORES)],
        rows=[[Cell(one.name), *_scores(one)] for one in groups],
    )


def kind_table(analysis: Analysis) -> Table:
    """How many errors there are of each kind."""
    kinds = analysis.errors.kinds
    total = sum(kinds.values())
    return Table(
        caption="Errors by kind",
        columns=[Column("Kind", "text"), Column("Errors"), Column("Share")],
        rows=[
            [Cell(kind), Cell(f"{count:,}"), Cell(percent(count / total if total else np.nan))]
            for kind, count in kinds.items()
        ],
        note="Too long is over-prediction: all of the annotation and more. Beside: it overlaps a "
        "mention that is paired with another, as the second piece of one that was cut in two.",
    )


def example_table(analysis: Analysis) -> Table:
    """Errors to look at."""
    shown = analysis.settings.show_text
    rows = [
        [
            Cell(one.kind),
            Cell(one.document),
            Cell(spoken(one.annotated or UNDEFINED)),
            Cell(
                spoken(one.predicted or UNDEFINED),
                "" if one.confidence is None else number(one.confidence),
            ),
            Cell(one.text) if one.text is not None else Cell(_where(one)),
        ]
        for one in analysis.errors.examples
    ]
    columns = [
        Column("Kind", "text"),
        Column("Document", "text"),
        Column("Annotated", "text"),
        Column("Predicted", "text"),
        Column("Text" if shown else "Characters", "prose"),
    ]
    marks = (
        "[ ] holds what is annotated, | | what is predicted."
        if shown
        else (
            "[ ] are the annotated characters, | | the predicted ones; texts are shown where the "
            "configuration says `show_text: true`."
        )
    )
    return Table(
        caption=f"{len(rows)} errors of all kinds",
        columns=columns,
        rows=rows,
        note="Drawn by the seed, all kinds in turn and types not shown yet first. Behind the "
        f"predicted type: raw confidence. {marks}",
    )


def scale_table(analysis: Analysis) -> Table:
    """How far each confidence can be taken at its word."""
    rows = [
        [
            Cell(one.scale),
            Cell(number(one.spans.mean_probability)),
            figure(one.spans.error),
            Cell(number(one.spans.error_if_perfect)),
            figure(one.spans.brier),
        ]
        for one in analysis.confidence.qualities
    ]
    columns = ["Mean confidence", "Calibration error", "If perfect", "Brier score"]
    return Table(
        caption="Confidence as the chance that a span is right",
        columns=[Column("Confidence", "text"), *map(Column, columns)],
        rows=rows,
        note="Raw: least softmax probability over the span's words. Temperature: the same at the "
        "temperature that makes the annotated tags of the validation documents likeliest. "
        "Calibrated: raw confidence mapped to how often such spans were right there.",
    )


def threshold_table(analysis: Analysis) -> Table:
    """What is kept at each threshold."""
    rows = [
        [
            Cell(f"{one.threshold:.2f}"),
            Cell(f"{one.kept:,}"),
            figure(one.precision),
            figure(one.coverage),
            figure(one.recall),
            Cell(number(one.f_half)),
        ]
        for one in analysis.operation.points
    ]
    columns = ["Kept", "Precision", "Coverage", "Recall", "F0.5"]
    return Table(
        caption=f"Thresholds of {analysis.settings.scale} confidence",
        columns=[Column("Threshold", "text"), *map(Column, columns)],
        rows=rows,
        note="Coverage: kept among the predictions. Recall: annotated mentions that are kept and "
        "right.",
    )


def promise_table(analysis: Analysis) -> Table:
    """What can be promised."""
    rows = [
        [
            Cell(one.unit),
            Cell(f"{one.claim.precision:g}, {one.claim.confidence:g}"),
            Cell(UNDEFINED if one.threshold is None else f"{one.threshold:.3f}"),
            Cell(f"{one.right:,} of {one.tested:,}"),
            Cell(number(one.lower_bound)),
            Cell(f"{one.needed:,}"),
        ]
        for one in analysis.operation.promises
    ]
    columns = ["Precision, confidence", "Threshold", "Right", "Lower bound", "Least number"]
    return Table(
        caption="Thresholds with a promise",
        columns=[Column("Tested by", "text"), *map(Column, columns)],
        rows=rows,
        note="Exact binomial tests in a fixed sequence from strict to loose, so that choosing the "
        "loosest threshold does not break the promise; the start is chosen on the validation "
        "documents. By document: one prediction of each is "
        "tested. By mention: all are, taken as independent.",
    )


def automation_table(analysis: Analysis) -> Table:
    """How much needs no person at each threshold."""
    rows = [
        [
            Cell(f"{one.threshold:.2f}"),
            Cell(percent(one.mentions)),
            Cell(percent(one.documents.estimate), _percents(one.documents)),
            figure(one.precision),
            figure(one.recall),
        ]
        for one in analysis.readiness.automation
    ]
    columns = ["Mentions", "Documents", "Precision", "Recall"]
    return Table(
        caption="Automation by threshold",
        columns=[Column("Threshold", "text"), *map(Column, columns)],
        rows=rows,
        note="Mentions and documents that need no person. Precision and recall are those of the "
        "high-value types in the documents coded without a person.",
    )


def risk_table(analysis: Analysis) -> Table:
    """The risk of false positives by type, high-value types first."""
    high_value = analysis.settings.high_value
    ordered = sorted(analysis.readiness.risks, key=lambda one: one.type not in high_value)
    rows = [
        [
            Cell(spoken(one.type), "high value" if one.type in high_value else ""),
            Cell(f"{one.kept:,}"),
            Cell(f"{one.wrong:,}"),
            figure(one.precision),
            Cell(percent(one.wrong_share.estimate), _percents(one.wrong_share)),
            Cell(f"{one.per_hundred:,.0f}"),
            Cell(one.risk),
        ]
        for one in ordered
    ]
    columns = ["Kept", "Wrong", "Precision", "Share wrong", "Wrong in 100 documents"]
    return Table(
        caption=f"Risk by type at {analysis.settings.scale} confidence "
        f"{analysis.settings.threshold:g}",
        columns=[Column("Type", "text"), *map(Column, columns), Column("Risk", "text")],
        rows=rows,
        note="The risk goes by the upper end of the 95 % Wilson interval of the share that is "
        "wrong: low up to 10 %, moderate up to 25 %, high above; unseen where nothing was kept.",
    )


def decision_table(analysis: Analysis) -> Table:
    """Auto-code or review, document by document."""
    rows = [
        [
            Cell(one.document),
            Cell(one.decision),
            Cell(f"{one.high_value:,}"),
            Cell(f"{one.unsure:,}"),
            Cell(percent(one.others_sure)),
        ]
        for one in analysis.readiness.decisions
    ]
    columns = ["High-value mentions", "Of them unsure", "Other mentions sure"]
    return Table(
        caption="Documents",
        columns=[Column("Document", "text"), Column("Decision", "text"), *map(Column, columns)],
        rows=rows,
    )


def figure(found: Interval) -> Cell:
    """A figure with its interval; a dash where undefined."""
    if np.isnan(found.estimate):
        return Cell(UNDEFINED)
    return Cell(number(found.estimate), interval(found))


_SCORES = ("Annotated", "Predicted", "Precision", "Recall", "F1")


def _scores(one: GroupScore) -> list[Cell]:
    return [
        Cell(f"{one.support:,}"),
        Cell(f"{one.predicted:,}"),
        Cell(number(one.precision)),
        Cell(number(one.recall)),
        figure(one.f1) if one.support else Cell(UNDEFINED),
    ]


def _where(example: Example) -> str:
    """The characters of both mentions, for who has the document at hand."""
    annotated = [f"[{start}\N{EN DASH}{end}]" for start, end in example.annotated_at]
    if example.predicted_at is not None:
        start, end = example.predicted_at
        return " ".join([*annotated, f"|{start}\N{EN DASH}{end}|"])
    return " ".join(annotated)


def _percents(found: Interval) -> str:
    return f"{percent(found.low)} to {percent(found.high)}"
