"""The two registry reports as HTML: one evaluation, and a whole run of the loop."""

from collections.abc import Mapping, Sequence

from thce.evaluation.anchoring import Anchoring
from thce.evaluation.anchoring_section import anchoring_section
from thce.evaluation.calibration import LabelCalibration
from thce.evaluation.comparison import Comparison
from thce.evaluation.page import KeyFigure, Page, Section, render
from thce.evaluation.results import BundleVersion, Evaluation, Provenance, RoundResult
from thce.evaluation.sections import (
    calibration_section,
    course_section,
    disagreement_figure,
    f1_figures,
    label_section,
    origin,
    scored_figure,
)
from thce.evaluation.tables import comparison_table, source_table, step_table, system_table
from thce.evaluation.wording import (
    counted,
    describe_comparison,
    describe_limits,
    describe_provenance,
    describe_rounds,
    describe_system,
)


def registry_evaluation_report(
    evaluation: Evaluation,
    provenance: Provenance,
    bundle: BundleVersion,
    *,
    titles: Mapping[str, str],
    remarks: Sequence[str] = (),
    calibration: LabelCalibration | None = None,
) -> str:
    """One bundle on one set of labelled notes, compared with rules, union and previous round.

    Args:
        evaluation: the systems on these notes, the bundle's own first.
        provenance: where notes and labels came from.
        bundle: which model.
        titles: label titles by name.
        remarks: further sentences for the summary, such as which labels are dormant.
        calibration: of the model's probabilities on these notes.

    Returns:
        A self-contained HTML page.
    """
    main, comparisons = evaluation.main, evaluation.comparisons
    tables = [system_table(evaluation.systems)]
    if comparisons:
        tables.append(comparison_table(comparisons))
    sections = [Section("Systems compared", tables=tables), label_section(evaluation, titles)]
    if calibration is not None:
        sections.append(calibration_section(calibration, titles))
    return render(
        Page(
            title="Registry evaluation",
            subtitle=f"Bundle {bundle.version} on {provenance.corpus}",
            summary=[
                describe_system(main),
                *(describe_comparison(one) for one in comparisons if one.metric == "micro_f1"),
                *describe_limits(main),
                *remarks,
            ],
            caution=describe_provenance(provenance),
            key_figures=[*f1_figures(main), scored_figure(main)],
            sections=sections,
            facts=[
                ("Bundle", bundle.version),
                ("Fingerprint", bundle.fingerprint),
                *origin(provenance),
            ],
        )
    )


def loop_report(
    rounds: Sequence[RoundResult],
    stopping_reason: str,
    provenance: Provenance,
    *,
    titles: Mapping[str, str],
    overall: Sequence[Comparison] = (),
    anchoring: Anchoring | None = None,
    remarks: Sequence[str] = (),
) -> str:
    """A run of the loop from its first round to its last.

    Args:
        rounds: in order, at least one; each scored on the same frozen test notes.
        stopping_reason: completes the sentence "The loop stopped because ...".
        provenance: where notes and labels came from, and who annotated.
        titles: label titles by name.
        overall: the last model against the first, paired.
        anchoring: the pull of the prefill, where blind tasks were answered.
        remarks: further sentences for the summary, such as which labels are dormant.

    Returns:
        A self-contained HTML page.
    """
    last = rounds[-1]
    main = last.evaluation.main
    spent = KeyFigure("Labels spent", f"{last.labels_spent:,}", "notes answered")
    sources = [
        one
        for one in last.evaluation.comparisons
        if one.metric == "micro_f1" and one.b != "previous"
    ]
    tables = [source_table(rounds)]
    if last.evaluation.comparisons:
        caption = f"Paired comparison on the same notes, round {last.number}"
        tables.append(comparison_table(last.evaluation.comparisons, caption))
    sections = [course_section(rounds), Section("Sources compared", tables=tables)]
    if len(rounds) > 1:
        sections.insert(1, Section("From round to round", tables=[step_table(rounds)]))
    sections.append(label_section(last.evaluation, titles))
    if anchoring is not None:
        sections.append(anchoring_section(anchoring, titles))
    bundles = [
        (f"Bundle of round {one.number}", f"{one.bundle.version}, {one.bundle.fingerprint}")
        for one in rounds
    ]
    return render(
        Page(
            title="The registry loop",
            subtitle=f"{counted(len(rounds), 'model')}, one after another, on {provenance.corpus}",
            summary=[
                *describe_rounds(rounds, stopping_reason),
                *(describe_comparison(one) for one in overall),
                *(describe_comparison(one) for one in sources),
                *describe_limits(main),
                *remarks,
            ],
            caution=describe_provenance(provenance),
            key_figures=[*f1_figures(main), spent, disagreement_figure(last)],
            sections=sections,
            facts=[("Stopped because", stopping_reason), *origin(provenance), *bundles],
        )
    )
