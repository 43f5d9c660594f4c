"""The summary of the entity report: sentences whose every number comes from the analysis."""

from collections.abc import Sequence

import numpy as np

from thce.evaluation.intervals import Interval
from thce.evaluation.wording import counted, interval, number, percent
from thce.ner.analysis_results import Analysis
from thce.ner.confidence import ConfidenceAnalysis, ScaleQuality
from thce.ner.counts import GroupScore
from thce.ner.errors import NOTHING, OTHER, Confusion
from thce.ner.operating import Promise
from thce.ner.readiness import TypeRisk

MOST_NAMES = 6
ENOUGH = 20
"""Annotated mentions below which a type is not called good or bad."""


def summary(analysis: Analysis) -> list[str]:
    """The findings, a paragraph each."""
    return [
        describe_performance(analysis),
        describe_types(analysis),
        describe_errors(analysis),
        describe_confidence(analysis),
        describe_thresholds(analysis),
        *(describe_promise(one) for one in analysis.operation.promises),
        describe_documents(analysis),
        describe_risks(analysis),
    ]


def with_interval(found: Interval) -> str:
    """A figure with its interval in brackets."""
    return f"{number(found.estimate)} ({interval(found)})"


def spoken(name: str) -> str:
    """A type as one reads it."""
    return name.replace("_", " ")


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def describe_performance(analysis: Analysis) -> str:
    """How well mentions are found, in both ways of counting."""
    projected, original = analysis.performance.projected, analysis.performance.original
    who = "the model" if analysis.folds == 1 else f"the models of {analysis.folds} folds"
    return (
        f"On {counted(analysis.documents, 'test document')} with "
        f"{counted(analysis.annotated, 'annotated mention')} {who} reached strict micro F1 "
        f"{with_interval(projected.micro_f1)} on the BIO projection and "
        f"{with_interval(original.micro_f1)} against the annotations as they are, discontinuous "
        f"and nested ones included, with precision {with_interval(original.precision)} and recall "
        f"{with_interval(original.recall)}. Macro F1 over "
        f"{counted(original.macro_types, 'annotated type')} is "
        f"{with_interval(original.macro_f1)}. Where some overlap with the right type is enough, "
        f"micro F1 is {with_interval(original.lenient_f1)}."
    )


def describe_types(analysis: Analysis) -> str:
    """The best and the worst types, and the tiers."""
    performance = analysis.performance
    known = [one for one in performance.types if one.support >= ENOUGH]
    ranked = sorted(known, key=lambda one: (-one.f1.estimate, one.name))
    sentences = []
    if len(ranked) >= 2:
        shown = min(3, len(ranked) // 2)
        sentences.append(
            f"Of the {len(ranked)} types with at least {ENOUGH} annotated mentions, "
            f"{_named(ranked[:shown])} are found best and {_named(ranked[-shown:])} worst."
            if shown > 1
            else f"Of the {len(ranked)} types with at least {ENOUGH} annotated mentions, "
            f"{_named(ranked[:1])} is found best and {_named(ranked[-1:])} worst."
        )
    few = [one for one in performance.types if 0 < one.support < ENOUGH]
    if few:
        sentences.append(
            f"{counted(len(few), 'type')} with fewer annotated mentions "
            f"{'is' if len(few) == 1 else 'are'} too few to tell."
        )
    tiers = [
        f"{one.name} {number(one.f1.estimate)} ({interval(one.f1)})"
        for one in performance.tiers
        if one.support
    ]
    sentences.append(f"Micro F1 by how often a type was seen in training: {listed(tiers)}.")
    return " ".join(sentences)


def describe_errors(analysis: Analysis) -> str:
    """Which errors there are, and whether long mentions are harder."""
    kinds = analysis.errors.kinds
    total = sum(kinds.values())
    if not total:
        return "No error was seen on these documents."
    groups = ("boundary", "type", "missed", "spurious")
    shares = [
        f"{percent(sum(count for kind, count in kinds.items() if kind.startswith(group)) / total)} "
        f"{name}"
        for group, name in zip(
            groups,
            (
                "have the right type and another boundary",
                "another type",
                "are annotated and missed",
                "are predicted where nothing is annotated",
            ),
            strict=True,
        )
    ]
    single, several = analysis.performance.tokens
    words = (
        f" F1 is {with_interval(single.f1)} for mentions of one word and "
        f"{with_interval(several.f1)} for longer ones."
        if single.support and several.support
        else ""
    )
    return (
        f"There are {counted(total, 'error')}: {listed(shares)}."
        f"{_most_confused(analysis.errors.confusion)}{words}"
    )


def describe_confidence(analysis: Analysis) -> str:
    """Whether confidence can be taken at its word."""
    found = analysis.confidence
    by_scale = {one.scale: one for one in found.qualities}
    means = (
        f"The mean confidence of right predictions is {_mean(found.right)}, of wrong ones "
        f"{_mean(found.wrong)}; missed annotations were given {_mean(found.missed)}."
    )
    return (
        f"{means} Taken as the chance that a span is right, raw confidence is off by "
        f"{_off(by_scale['raw'])} on average, at the fitted temperature of "
        f"{_temperatures(found)} by {_off(by_scale['temperature'])}, and calibrated "
        f"by {_off(by_scale['calibrated'])}; the best possible would show "
        f"{number(by_scale['calibrated'].spans.error_if_perfect)} on as many. The temperature "
        f"takes the words' loss from {number(found.loss_before)} to {number(found.loss_after)} "
        "nats. All of this was fitted on "
        f"{counted(analysis.validation_documents, 'validation document')} and judged on the test "
        "documents."
    )


def describe_thresholds(analysis: Analysis) -> str:
    """The sweet spot, and what it gives."""
    best = analysis.operation.at_sweet_spot
    return (
        f"The sweet spot, the threshold with the highest F0.5 on the validation documents, is "
        f"{best.threshold:.2f} of {analysis.settings.scale} confidence: on the test documents it "
        f"keeps {percent(best.coverage.estimate)} of the predictions, with precision "
        f"{with_interval(best.precision)} and recall {with_interval(best.recall)}."
        f"{_as_raw(analysis, best.threshold)}"
    )


def describe_promise(promise: Promise) -> str:
    """What can be promised of a threshold, and what it takes for granted."""
    claim = (
        f"a precision of at least {promise.claim.precision:g} with confidence "
        f"{promise.claim.confidence:g}"
    )
    taken = (
        "for documents like these, whatever goes wrong together within one"
        if promise.unit == "document"
        else "if mentions are right or wrong independently of each other, which those of one "
        "document are not quite"
    )
    if promise.threshold is not None:
        return (
            f"From a confidence of {promise.threshold:.3f} on, {claim} is borne out {taken} "
            f"({promise.right:,} of {counted(promise.tested, promise.unit)} tested were right, "
            f"lower bound {number(promise.lower_bound)})."
        )
    if promise.tested < promise.needed:
        return (
            f"No threshold bears out {claim} {taken}: {counted(promise.tested, promise.unit)} "
            f"could be tested and it takes at least {promise.needed}, all of them right."
        )
    return (
        f"No threshold bears out {claim} {taken}: at 0.5, {promise.right:,} of "
        f"{counted(promise.tested, promise.unit)} tested were right (lower bound "
        f"{number(promise.lower_bound)})."
    )


def describe_documents(analysis: Analysis) -> str:
    """How many documents and mentions need nobody at the threshold."""
    settings = analysis.settings
    decisions = analysis.readiness.decisions
    auto = sum(one.decision == "auto" for one in decisions)
    risks = analysis.readiness.risks
    kept = sum(one.kept for one in risks)
    share = kept / analysis.predicted if analysis.predicted else float("nan")
    needed = "all" if settings.sure_share == 1 else f"at least {percent(settings.sure_share)} of"
    return (
        f"At a {settings.scale} confidence of {settings.threshold:g}, {percent(share)} of the "
        f"predicted mentions need nobody. {auto:,} of {counted(len(decisions), 'document')} could "
        f"be coded without a person, which takes {needed} predicted mentions of "
        f"{listed([spoken(name) for name in settings.high_value])} at or above it; in the others "
        "a person has to look at the mentions below it only."
        f"{_as_raw(analysis, settings.threshold)}"
    )


def describe_risks(analysis: Analysis) -> str:
    """The precision of the high-value types, and which types are low and which high risks."""
    settings = analysis.settings
    by_type = {one.type: one for one in analysis.readiness.risks}
    valued = [f"{spoken(name)} {_precision_of(by_type.get(name))}" for name in settings.high_value]
    levels = {
        level: [spoken(one.type) for one in analysis.readiness.risks if one.risk == level]
        for level in ("low", "moderate", "high", "unseen")
    }
    parts = [
        f"{level if level != 'unseen' else 'unknown'} for {_shortened(names)}"
        for level, names in levels.items()
        if names
    ]
    return (
        f"At that threshold the precision of the types of highest value is {listed(valued)}. "
        f"The risk of false positives is {'; '.join(parts)}."
    )


def _as_raw(analysis: Analysis, threshold: float) -> str:
    raw = analysis.raw_threshold(threshold)
    if raw is None or analysis.settings.scale == "raw":
        return ""
    return f" As raw confidence, which a bundle answers with, that is {raw:.4f}."


def _shortened(names: Sequence[str]) -> str:
    """The first names of a long list, and how many there are more."""
    if len(names) <= MOST_NAMES + 1:
        return listed(names)
    return listed([*names[:MOST_NAMES], f"{len(names) - MOST_NAMES} more"])


def _precision_of(risk: TypeRisk | None) -> str:
    if risk is None or not risk.kept:
        return "unknown (no mention reaches it)"
    return f"{with_interval(risk.precision)}, {risk.wrong:,} wrong of {risk.kept:,}"


def _named(scores: Sequence[GroupScore]) -> str:
    return listed([f"{spoken(one.name)} ({number(one.f1.estimate)})" for one in scores])


def _most_confused(confusion: Confusion) -> str:
    """The pair of named types that are most often taken for each other's."""
    named = [at for at, name in enumerate(confusion.names) if name not in (OTHER, NOTHING)]
    counts = confusion.counts[np.ix_(named, named)].copy()
    np.fill_diagonal(counts, 0)
    if not counts.any():
        return ""
    row, column = divmod(int(counts.argmax()), len(named))
    names = confusion.names
    return (
        f" The type most often taken for another is {spoken(names[named[row]])}, for "
        f"{spoken(names[named[column]])} ({counted(int(counts[row, column]), 'time')})."
    )


def _temperatures(found: ConfidenceAnalysis) -> str:
    values = sorted(one.temperature for one in found.calibrators)
    if len(values) == 1:
        return f"{values[0]:.2f}"
    return f"{values[0]:.2f} to {values[-1]:.2f}"


def _mean(values: "np.ndarray") -> str:
    return number(float(values.mean())) if len(values) else number(float("nan"))


def _off(quality: ScaleQuality) -> str:
    return with_interval(quality.spans.error)
