"""Parts that both registry reports share: key figures, labels, calibration, course, origin."""

from collections.abc import Mapping, Sequence

from thce.evaluation.calibration import LabelCalibration
from thce.evaluation.figures import (
    disagreement_curve,
    label_f1_bars,
    learning_curve,
    reliability_diagram,
)
from thce.evaluation.page import Figure, KeyFigure, Section
from thce.evaluation.results import Evaluation, Provenance, RoundResult, SystemScore
from thce.evaluation.tables import calibration_table, label_table, round_table
from thce.evaluation.wording import counted, interval, number, percent


def f1_figures(system: SystemScore) -> list[KeyFigure]:
    """Micro and macro F1 with their intervals."""
    return [
        KeyFigure("Micro F1", number(system.score.micro_f1), interval(system.micro_f1)),
        KeyFigure("Macro F1", number(system.score.macro_f1), interval(system.macro_f1)),
    ]


def scored_figure(system: SystemScore) -> KeyFigure:
    """How much was scored."""
    score = system.score
    return KeyFigure("Notes", f"{score.notes:,}", counted(score.known, "known cell"))


def disagreement_figure(last: RoundResult) -> KeyFigure:
    """The disagreement rate at the end."""
    rate = last.disagreement
    return KeyFigure(
        "Disagreement", percent(rate.estimate), f"{percent(rate.low)} to {percent(rate.high)}"
    )


def course_section(rounds: Sequence[RoundResult]) -> Section:
    """The learning curve, the disagreement curve and the table of rounds."""
    return Section(
        title="Round by round",
        figures=[
            Figure(
                learning_curve(rounds),
                "Micro and macro F1 of each round with 95 % bootstrap intervals, against "
                "the notes answered so far. All rounds are scored on the same notes, so "
                "overlapping intervals do not rule out a difference: the paired comparison "
                "below decides.",
            ),
            Figure(
                disagreement_curve(rounds),
                "Share of the pool in which model and deterministic signals disagree, with 95 % "
                "Wilson intervals. The pool shrinks as notes are answered, the most disputed "
                "first.",
            ),
        ],
        tables=[round_table(rounds)],
    )


def label_section(evaluation: Evaluation, titles: Mapping[str, str]) -> Section:
    """F1 of every label as a figure and as a table."""
    without = [label for label in evaluation.main.score.labels if not label.support]
    paragraphs = []
    if without:
        listed = ", ".join(titles.get(label.name, label.name) for label in without)
        paragraphs.append(f"Without a positive, and so not in macro F1: {listed}.")
    return Section(
        title="Label by label",
        paragraphs=paragraphs,
        figures=[
            Figure(
                label_f1_bars(evaluation.systems, titles),
                "F1 of each label with support, with 95 % Wilson intervals; marks show the "
                "other systems on the same notes.",
            )
        ],
        tables=[label_table(evaluation.main, titles)],
    )


def calibration_section(found: LabelCalibration, titles: Mapping[str, str]) -> Section:
    """Observed against predicted, over all labels' cells together and label by label."""
    pooled = found.pooled
    return Section(
        title="Calibration",
        paragraphs=[
            f"Expected calibration error of the model's probabilities over all labels together: "
            f"{number(pooled.error.estimate)} ({interval(pooled.error)}), in "
            f"{counted(pooled.bins, 'bin')} of equally many cells; probabilities that are all "
            f"right would show {number(pooled.error_if_perfect)}. Brier score: "
            f"{number(pooled.brier.estimate)} ({interval(pooled.brier)})."
        ],
        figures=[
            Figure(
                reliability_diagram(found.reliability),
                "Share of cells that are true against their mean predicted probability, with "
                "95 % Wilson intervals; on the dotted line the two agree.",
            )
        ],
        tables=[calibration_table(found.labels, titles)],
    )


def origin(provenance: Provenance) -> list[tuple[str, str]]:
    """Notes, labels, annotator and seeds, as names and values."""
    facts = [
        ("Notes", provenance.corpus),
        ("Marked as fictional", "yes" if provenance.fictional else "no"),
        ("Scored against", provenance.gold),
        ("Labels reviewed by a clinician", "yes" if provenance.reviewed_by_clinician else "no"),
    ]
    if provenance.annotator is not None:
        facts.append(("Annotator", provenance.annotator))
    if provenance.seeds:
        seeds = ", ".join(f"{name} {seed}" for name, seed in provenance.seeds.items())
        facts.append(("Seeds", seeds))
    return facts
