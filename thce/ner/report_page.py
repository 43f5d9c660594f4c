"""The entity report as one HTML page."""

from collections.abc import Sequence

from thce.evaluation.page import Figure, KeyFigure, Page, Section, render
from thce.evaluation.results import Provenance
from thce.evaluation.sections import origin
from thce.evaluation.wording import describe_provenance, interval, number, percent
from thce.ner.analysis_results import Analysis
from thce.ner.confidence import Calibrator
from thce.ner.figures import (
    automation_curve,
    confidence_histograms,
    confusion_map,
    frequency_scatter,
    precision_coverage,
    reliability_lines,
    type_bars,
)
from thce.ner.report_tables import (
    automation_table,
    decision_table,
    example_table,
    group_table,
    kind_table,
    promise_table,
    risk_table,
    scale_table,
    score_table,
    threshold_table,
    type_table,
)
from thce.ner.report_words import summary


def report_page(
    analysis: Analysis, provenance: Provenance, facts: Sequence[tuple[str, str]]
) -> str:
    """The whole report.

    Args:
        analysis: what was found.
        provenance: where documents and annotations came from.
        facts: names and values that say which model it was.

    Returns:
        A self-contained HTML page.
    """
    return render(
        Page(
            title="Entities: errors, confidence, readiness",
            subtitle=f"{analysis.documents} test documents of {provenance.corpus}",
            summary=summary(analysis),
            caution=describe_provenance(provenance),
            key_figures=_key_figures(analysis),
            sections=[
                _performance(analysis),
                _errors(analysis),
                _confidence(analysis),
                _readiness(analysis),
            ],
            facts=[*facts, *_fitted(analysis), *origin(provenance)],
        )
    )


def _key_figures(analysis: Analysis) -> list[KeyFigure]:
    performance, best = analysis.performance, analysis.operation.at_sweet_spot
    auto = sum(one.decision == "auto" for one in analysis.readiness.decisions)
    return [
        KeyFigure(
            "Micro F1, BIO projection",
            number(performance.projected.micro_f1.estimate),
            interval(performance.projected.micro_f1),
        ),
        KeyFigure(
            "Micro F1, as annotated",
            number(performance.original.micro_f1.estimate),
            interval(performance.original.micro_f1),
        ),
        KeyFigure(
            "Precision at the sweet spot",
            number(best.precision.estimate),
            f"keeps {percent(best.coverage.estimate)} at {best.threshold:.2f}",
        ),
        KeyFigure(
            "Documents without a person",
            f"{auto} of {analysis.documents}",
            f"at {analysis.settings.threshold:g}",
        ),
    ]


def _performance(analysis: Analysis) -> Section:
    performance = analysis.performance
    return Section(
        title="How well mentions are found",
        figures=[
            Figure(
                type_bars(performance.types, performance.trained_on),
                "Strict F1 of each annotated type, the most frequent in training on top, with 95 % "
                "bootstrap intervals over documents (Wilson where all or none are right).",
            ),
            Figure(
                frequency_scatter(performance.types, performance.trained_on),
                "F1 against mentions in training, with the same intervals. Dotted lines part the "
                "tiers; named are the types farthest from a straight line through all.",
            ),
        ],
        tables=[
            score_table(analysis),
            type_table(analysis),
            group_table(performance.tiers, "Types by their mentions in training", "Tier"),
            group_table(performance.tokens, "One word or several", "Mention"),
            group_table(performance.lengths, "Mentions by length", "Words"),
        ],
    )


def _errors(analysis: Analysis) -> Section:
    return Section(
        title="What goes wrong",
        figures=[
            Figure(
                confusion_map(analysis.errors.confusion),
                "The types annotated most often, and what their mentions are predicted as; the "
                "last column holds the missed, the last row the spurious. Colour is the share of "
                "the row, numbers are mentions.",
            )
        ],
        tables=[kind_table(analysis), example_table(analysis)],
    )


def _confidence(analysis: Analysis) -> Section:
    found = analysis.confidence
    return Section(
        title="What confidence is worth",
        figures=[
            Figure(
                confidence_histograms(found.right, found.wrong, found.missed),
                "Raw confidence of right and of wrong predictions, and the least probability that "
                "a missed annotation's own type was given over its words.",
            ),
            Figure(
                reliability_lines({one.scale.capitalize(): one.bins for one in found.qualities}),
                "Share of spans that are right against their confidence, in bins of equally many, "
                "with 95 % Wilson intervals; on the dotted line the two agree.",
            ),
            Figure(
                precision_coverage(analysis.operation.points, analysis.operation.sweet_spot),
                f"Precision, coverage and recall of what is kept at each threshold of "
                f"{analysis.settings.scale} confidence, with 95 % bootstrap bands over documents.",
            ),
        ],
        tables=[scale_table(analysis), threshold_table(analysis), promise_table(analysis)],
    )


def _readiness(analysis: Analysis) -> Section:
    return Section(
        title="What needs no person",
        figures=[
            Figure(
                automation_curve(analysis.readiness.automation),
                "Share of documents (with 95 % Wilson band) and of predicted mentions that need "
                "no person, at each threshold.",
            )
        ],
        tables=[automation_table(analysis), risk_table(analysis), decision_table(analysis)],
    )


def _fitted(analysis: Analysis) -> list[tuple[str, str]]:
    settings, calibrators = analysis.settings, analysis.confidence.calibrators
    return [
        ("Confidence", settings.scale),
        ("Temperature", ", ".join(f"{one.temperature:.3f}" for one in calibrators)),
        ("Span map", "; ".join(map(_said, calibrators))),
        ("Threshold", f"{settings.threshold:g}"),
        ("Test documents", f"{analysis.documents} ({analysis.words:,} words)"),
        ("Validation documents", str(analysis.validation_documents)),
    ]


def _said(calibrator: Calibrator) -> str:
    return f"slope {calibrator.spans.slope:.3f}, shift {calibrator.spans.shift:.3f}"
