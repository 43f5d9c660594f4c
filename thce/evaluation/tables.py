"""The tables of the reports: systems, labels, comparisons, rounds."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from thce.evaluation.calibration import Calibration
from thce.evaluation.comparison import Comparison
from thce.evaluation.intervals import Interval
from thce.evaluation.page import Cell, Column, Table
from thce.evaluation.results import RoundResult, SystemScore
from thce.evaluation.wording import (
    UNDEFINED,
    capitalised,
    interval,
    number,
    p_value,
    percent,
    signed,
    system_name,
    system_title,
    verdict,
)

FINGERPRINT_SHOWN = 12
_METRICS = {"micro_f1": "Micro F1", "macro_f1": "Macro F1"}
_COMPARISON_COLUMNS = (
    Column("Systems", "text"),
    Column("Metric", "text"),
    Column("Difference"),
    Column("95 % interval"),
    Column("p, corrected"),
    Column("Reading", "prose"),
)
_HOW_COMPARED = (
    "Intervals by paired bootstrap over notes, p-values by approximate randomisation, corrected "
    "after Holm"
)


def system_table(systems: Sequence[SystemScore]) -> Table:
    """Micro and macro figures, one system a row."""
    rows = [
        [
            Cell(system_title(system.name)),
            Cell(number(system.score.micro_precision)),
            Cell(number(system.score.micro_recall)),
            _with_interval(system.micro_f1),
            _with_interval(system.macro_f1),
        ]
        for system in systems
    ]
    columns = ["Micro precision", "Micro recall", "Micro F1", "Macro F1"]
    counted = len(systems[0].score.macro_labels)
    return Table(
        caption="Systems on the same notes",
        columns=[Column("System", "text"), *map(Column, columns)],
        rows=rows,
        note=f"Intervals by bootstrap over notes. Macro F1 is the mean over the {counted} labels "
        "with at least one positive.",
    )


def label_table(system: SystemScore, titles: Mapping[str, str]) -> Table:
    """Per label: support, counts, precision, recall, F1 with its interval."""
    rows = [
        [
            Cell(titles.get(label.name, label.name)),
            Cell(str(label.support)),
            Cell(number(label.precision)),
            Cell(number(label.recall)),
            _with_interval(one) if label.support else Cell(UNDEFINED),
            *(Cell(str(count)) for count in (label.tp, label.fp, label.fn, label.tn)),
        ]
        for label, one in zip(system.score.labels, system.label_f1, strict=True)
    ]
    columns = ["Support", "Precision", "Recall", "F1", "TP", "FP", "FN", "TN"]
    return Table(
        caption=f"Every label, for {system_name(system.name)}",
        columns=[Column("Label", "text"), *map(Column, columns)],
        rows=rows,
        note="Support is the number of known positives. Unknown cells are not scored. "
        f"{UNDEFINED}: nothing to divide by, or, for F1, no positives. Intervals of single labels "
        "are Wilson intervals and take notes as independent.",
    )


def calibration_table(labels: Mapping[str, Calibration], titles: Mapping[str, str]) -> Table:
    """Per label: cells, positives, mean probability, share true, calibration error, Brier."""
    rows = [
        [
            Cell(titles.get(name, name)),
            Cell(f"{one.cells:,}"),
            Cell(f"{one.positives:,}"),
            Cell(number(one.mean_probability)),
            Cell(number(one.positives / one.cells if one.cells else np.nan)),
            _with_interval(one.error),
            Cell(number(one.error_if_perfect)),
            _with_interval(one.brier),
        ]
        for name, one in labels.items()
    ]
    columns = [
        "Known cells",
        "Positives",
        "Mean probability",
        "Share true",
        "Calibration error",
        "If perfect",
        "Brier score",
    ]
    return Table(
        caption="Calibration label by label",
        columns=[Column("Label", "text"), *map(Column, columns)],
        rows=rows,
        note="Calibration error: mean distance of predicted from observed over bins of equally "
        "many cells, at least 20 each. Of few cells it is biased upwards; 'if perfect' is what "
        "probabilities that are all right would show on as many, and the interval allows for it. "
        "Brier score: mean squared distance of probability "
        "and label, smaller is better. Intervals by bootstrap over notes.",
    )


def comparison_table(
    comparisons: Sequence[Comparison], caption: str = "Paired comparison on the same notes"
) -> Table:
    """Paired differences with intervals, corrected p-values and what they are evidence of."""
    names = [f"{system_title(one.a)} against {system_title(one.b).lower()}" for one in comparisons]
    return Table(
        caption=caption,
        columns=_COMPARISON_COLUMNS,
        rows=[_comparison_row(name, one) for name, one in zip(names, comparisons, strict=True)],
        note=f"{_HOW_COMPARED} over the comparisons of one metric in this table.",
    )


def step_table(rounds: Sequence[RoundResult]) -> Table:
    """Each round against the one before it."""
    rows = [
        _comparison_row(f"Round {one.number} against round {before.number}", comparison)
        for before, one in pairwise(rounds)
        for comparison in one.evaluation.comparisons
        if comparison.b == "previous"
    ]
    return Table(
        caption="Each round against the one before, on the same test notes",
        columns=_COMPARISON_COLUMNS,
        rows=rows,
        note=f"{_HOW_COMPARED} over the comparisons of one metric in the same round.",
    )


def round_table(rounds: Sequence[RoundResult]) -> Table:
    """Round by round: labels spent, training notes, F1, disagreement, bundle."""
    rows = [
        [
            Cell(str(one.number)),
            Cell(f"{one.labels_spent:,}"),
            Cell(f"{one.training_notes:,}"),
            _with_interval(one.evaluation.main.micro_f1),
            _with_interval(one.evaluation.main.macro_f1),
            _rate(one),
            Cell(one.bundle.version, one.bundle.fingerprint[:FINGERPRINT_SHOWN]),
        ]
        for one in rounds
    ]
    columns = ["Labels spent", "Training notes", "Micro F1", "Macro F1", "Disagreement"]
    return Table(
        caption="The loop round by round, scored on the same frozen test notes",
        columns=[
            Column("Round", "text"),
            *map(Column, columns),
            Column("Bundle", "text"),
        ],
        rows=rows,
        note="Labels spent: notes the annotator answered so far. Disagreement: share of the pool "
        "in which the model and the deterministic signals differ on a flag on which the latter "
        "can speak.",
    )


def source_table(rounds: Sequence[RoundResult]) -> Table:
    """Micro and macro F1 of each system in each round."""
    systems = [system.name for one in rounds for system in one.evaluation.systems]
    names = [name for name in dict.fromkeys(systems) if name != "previous"]
    rows = []
    for one in rounds:
        for metric in ("micro_f1", "macro_f1"):
            cells = [
                Cell(str(one.number)),
                Cell("Micro F1" if metric == "micro_f1" else "Macro F1"),
            ]
            for name in names:
                system = one.evaluation.system(name)
                cells.append(_with_interval(getattr(system, metric)) if system else Cell(UNDEFINED))
            rows.append(cells)
    return Table(
        caption="Where the answer comes from, round by round",
        columns=[
            Column("Round", "text"),
            Column("Metric", "text"),
            *(Column(system_title(name)) for name in names),
        ],
        rows=rows,
    )


def _comparison_row(name: str, one: Comparison) -> list[Cell]:
    return [
        Cell(name),
        Cell(_METRICS[one.metric]),
        Cell(signed(one.difference.estimate)),
        Cell(f"{signed(one.difference.low)} to {signed(one.difference.high)}"),
        Cell(p_value(one.p_adjusted)),
        Cell(capitalised(verdict(one))),
    ]


def _with_interval(found: Interval) -> Cell:
    if np.isnan(found.estimate):
        return Cell(UNDEFINED)
    return Cell(number(found.estimate), interval(found))


def _rate(one: RoundResult) -> Cell:
    if not one.compared:
        return Cell(UNDEFINED, "pool empty")
    return Cell(percent(one.disagreement.estimate), f"{one.disagreeing:,} of {one.compared:,}")
