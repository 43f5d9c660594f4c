"""Numbers put into careful words: what a report may say, decided by the figures and not by hope."""

from collections.abc import Sequence

import numpy as np

from thce.evaluation.comparison import Comparison
from thce.evaluation.intervals import Interval
from thce.evaluation.results import Provenance, RoundResult, SystemScore

SIGNIFICANCE = 0.05
FEW_POSITIVES = 10
_HARD_SPACE = "\N{NO-BREAK SPACE}"
UNDEFINED = "\N{EN DASH}"

_SYSTEMS = {
    "joint": ("the joint decision of model and rules", "Joint decision"),
    "model": ("the model", "Model"),
    "rules": ("the rules", "Rules"),
    "union": ("the union of model and rules", "Model or rules"),
    "naive": ("a naive regular expression per flag", "Naive regex"),
    "previous": ("the previous round", "Previous round"),
    "first": ("the first round", "First round"),
}
_METRIC_NAMES = {"micro_f1": "micro F1", "macro_f1": "macro F1"}


def system_name(name: str) -> str:
    """How a system is called within a sentence."""
    return _SYSTEMS.get(name, (name, name))[0]


def system_title(name: str) -> str:
    """How a system is called in a heading or a legend."""
    return _SYSTEMS.get(name, (name, name))[1]


def capitalised(text: str) -> str:
    """With a capital first letter, the rest as it is."""
    return text[:1].upper() + text[1:]


def number(value: float) -> str:
    """Three decimals, or a dash where undefined."""
    return UNDEFINED if np.isnan(value) else f"{value:.3f}"


def signed(value: float) -> str:
    """Three decimals with a sign, or a dash where undefined."""
    return UNDEFINED if np.isnan(value) else f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def percent(value: float) -> str:
    """One decimal, or a dash where undefined."""
    return UNDEFINED if np.isnan(value) else f"{100 * value:.1f}{_HARD_SPACE}%"


def p_value(value: float) -> str:
    """As an equation or inequality, which no line break parts."""
    relation = ("<", "0.001") if value < 0.001 else ("=", f"{value:.3f}")
    return _HARD_SPACE.join(("p", *relation))


def interval(found: Interval) -> str:
    """From low to high."""
    return f"{number(found.low)} to {number(found.high)}"


def counted(count: int, noun: str) -> str:
    """A count with its noun, in the plural unless it is one."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def describe_system(system: SystemScore) -> str:
    """What a system reached, on how much, with its intervals."""
    score = system.score
    reached = (
        f"On {counted(score.notes, 'note')} ({counted(score.known, 'known cell')}), "
        f"{system_name(system.name)} reached micro F1 {number(score.micro_f1)} "
        f"({100 * system.micro_f1.level:.0f}{_HARD_SPACE}% interval {interval(system.micro_f1)})"
    )
    labels = counted(len(score.macro_labels), "label")
    return (
        f"{reached} and macro F1 {number(score.macro_f1)} ({interval(system.macro_f1)}) "
        f"over the {labels} with at least one positive, of {len(score.labels)}."
    )


def describe_limits(system: SystemScore) -> list[str]:
    """What the figures of a system cannot say."""
    score = system.score
    limits = []
    few = [label for label in score.labels if 0 < label.support < FEW_POSITIVES]
    if few:
        limits.append(
            f"{counted(len(few), 'label')} of {len(score.macro_labels)} with support "
            f"{'has' if len(few) == 1 else 'have'} fewer than {FEW_POSITIVES} positives: "
            "their own figures say little, and macro F1 rests on them as much as on the others."
        )
    if score.micro_f1 == 1:
        limits.append(
            "No error was seen on these notes. Resampling notes without errors shows none, so the "
            "intervals of micro and macro F1 have no width; those per label still do."
        )
    return limits


def describe_comparison(comparison: Comparison) -> str:
    """One paired difference, and whether it is evidence of anything."""
    difference = comparison.difference
    metric = _METRIC_NAMES[comparison.metric]
    systems = f"{system_name(comparison.a)} against {system_name(comparison.b)}"
    return (
        f"{capitalised(metric)} of {systems}: difference {signed(difference.estimate)}, interval "
        f"{signed(difference.low)} to {signed(difference.high)}, "
        f"{p_value(comparison.p_adjusted)}; {verdict(comparison)}."
    )


def verdict(comparison: Comparison) -> str:
    """What a paired difference is evidence of, in one clause."""
    difference, subject = comparison.difference, system_name(comparison.a)
    if np.isnan(difference.estimate):
        return "nothing was positive, so there is nothing to compare"
    if difference.low == difference.high == 0:
        return "no difference at all on these notes"
    better = "better" if difference.estimate > 0 else "worse"
    significant = comparison.p_adjusted < SIGNIFICANCE
    if difference.excludes(0):
        if significant:
            return f"evidence that {subject} is {better} on notes like these"
        return (
            "the interval excludes zero but the test, corrected for several comparisons, does "
            f"not reject it: weak evidence that {subject} is {better}"
        )
    if significant:
        return "the interval includes zero although the test rejects it: weak evidence at most"
    return "the interval of the difference includes zero: no evidence of a difference"


def describe_rounds(rounds: Sequence[RoundResult], stopping_reason: str) -> list[str]:
    """How the loop went from its first round to its last."""
    first, last = rounds[0], rounds[-1]
    stopped = f"The loop stopped because {stopping_reason}."
    if len(rounds) == 1:
        answered = f"The annotator had answered {counted(first.labels_spent, 'note')}."
        return [describe_system(first.evaluation.main), answered, stopped]
    start, end = first.evaluation.main, last.evaluation.main
    spent = counted(last.labels_spent - first.labels_spent, "note")
    notes = counted(end.score.notes, "frozen test note")
    course = (
        f"From round {first.number} to round {last.number} the annotator answered {spent}. "
        f"Micro F1 of {system_name(end.name)} on the {notes} went from "
        f"{number(start.score.micro_f1)} ({interval(start.micro_f1)}) to "
        f"{number(end.score.micro_f1)} ({interval(end.micro_f1)}), macro F1 from "
        f"{number(start.score.macro_f1)} ({interval(start.macro_f1)}) to "
        f"{number(end.score.macro_f1)} ({interval(end.macro_f1)})."
    )
    disagreement = (
        "Model and deterministic signals disagreed on "
        f"{percent(first.disagreement.estimate)} of the notes in the pool at the start and on "
        f"{percent(last.disagreement.estimate)} at the end."
    )
    return [course, disagreement, stopped]


def describe_provenance(provenance: Provenance) -> str:
    """What the figures may be taken for."""
    # Nobody may have said so: "real" would be a claim that the software cannot make.
    made_up = f"The notes are {'' if provenance.fictional else 'not marked as '}fictional"
    review = (
        "a clinician reviewed the labels"
        if provenance.reviewed_by_clinician
        else "no clinician reviewed the labels"
    )
    joined = f"{made_up} and {review}"
    if provenance.fictional or not provenance.reviewed_by_clinician:
        return f"{joined}: the figures show how the software behaves, not how it would do in care."
    return f"{joined}."
