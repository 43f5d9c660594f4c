"""Everything that is said of a model's mentions, from the mentions themselves to readiness.

Nothing here reads a file or runs a model: annotated documents, predictions and the words' tags
come in, figures go out. Whatever is fitted or chosen is fitted on the validation documents and
judged on the test documents.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.fixed_sequence import Claim
from thce.evaluation.intervals import SEED
from thce.ner.confidence import (
    Calibrator,
    ConfidenceAnalysis,
    Scale,
    Scored,
    analyse_confidence,
    confidences,
    fit,
)
from thce.ner.counts import (
    LENGTHS,
    TIERS,
    TOKENS,
    GroupScore,
    OverallScore,
    contributions,
    group_scores,
    length_of,
    overall_score,
    tier_group,
    tokens_of,
    type_of,
)
from thce.ner.documents import Document, Entity, Prediction
from thce.ner.errors import (
    MOST_EXAMPLES,
    Confusion,
    Example,
    confuse,
    count_categories,
    count_kinds,
    examples,
)
from thce.ner.matching import match
from thce.ner.mentions import Mentions, mentions_of
from thce.ner.operating import (
    THRESHOLDS,
    UNITS,
    OperatingPoint,
    Promise,
    promise,
    sweep,
    sweet_spot,
)
from thce.ner.readiness import (
    HIGH_VALUE,
    AutomationRate,
    DocumentDecision,
    Rule,
    TypeRisk,
    automation,
    decide,
    type_risks,
)
from thce.ner.token_table import Tokens, tagged_spans


class AnalysisSettings(Config):
    """What is asked of a model.

    Attributes:
        threshold: confidence from which on a mention needs no person.
        scale: raw (softmax), temperature (the words' softmax at the fitted temperature) or
            calibrated (the chance that the span is right, fitted on validation documents).
        high_value: types that decide whether a document needs a person.
        sure_share: share of a document's predicted mentions of these types that have to be at or
            above the threshold for it to need nobody.
        precision: what is to be promised of the mentions above a threshold.
        confidence: how sure the promise is to be.
        confusion_types: how many types the confusion figure shows.
        examples: how many errors are shown.
        show_text: whether they show the text of the documents. The report is a file of the
            user's; nothing of it goes to logs, terminals or JSON.
        seed: of resampling, drawing and choosing.
    """

    threshold: float = Field(0.85, gt=0, lt=1)
    scale: Scale = "calibrated"
    high_value: tuple[str, ...] = HIGH_VALUE
    sure_share: float = Field(1.0, gt=0, le=1)
    precision: float = Field(0.9, gt=0, lt=1)
    confidence: float = Field(0.9, gt=0, lt=1)
    confusion_types: int = Field(15, ge=2)
    examples: int = Field(MOST_EXAMPLES, ge=0)
    show_text: bool = False
    seed: int = SEED


@dataclass(frozen=True)
class Split:
    """Documents with their annotations, what a model predicted, and the words it saw."""

    documents: Sequence[Document]
    predictions: Sequence[Prediction]
    tokens: Tokens


@dataclass(frozen=True)
class Performance:
    """How well mentions are found.

    Attributes:
        original: against the annotations as they are in the files.
        projected: against their projection to one BIO tag a word, which is what the model learns.
        types: each type, the most frequent in training first.
        tiers: types together by their mentions in training.
        tokens: mentions of one word and of several.
        lengths: mentions by words.
        trained_on: mentions in training of each type.
    """

    original: OverallScore
    projected: OverallScore
    types: tuple[GroupScore, ...]
    tiers: tuple[GroupScore, ...]
    tokens: tuple[GroupScore, ...]
    lengths: tuple[GroupScore, ...]
    trained_on: Mapping[str, int]


@dataclass(frozen=True)
class Errors:
    """What goes wrong: counts by kind and by type, confusion, examples."""

    kinds: Mapping[str, int]
    categories: Mapping[str, Mapping[str, int]]
    confusion: Confusion
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Operation:
    """What thresholds of confidence give.

    Attributes:
        points: on the test documents, at each threshold of the grid.
        sweet_spot: the threshold found on the validation documents.
        at_sweet_spot: what it gives on the test documents.
        promises: by document and by mention.
    """

    points: tuple[OperatingPoint, ...]
    sweet_spot: float
    at_sweet_spot: OperatingPoint
    promises: tuple[Promise, ...]


@dataclass(frozen=True)
class Readiness:
    """What may be coded without a person."""

    decisions: tuple[DocumentDecision, ...]
    automation: tuple[AutomationRate, ...]
    risks: tuple[TypeRisk, ...]


@dataclass(frozen=True)
class Analysis:
    """Everything about one model on one set of test documents."""

    settings: AnalysisSettings
    documents: int
    validation_documents: int
    words: int
    annotated: int
    predicted: int
    performance: Performance
    errors: Errors
    confidence: ConfidenceAnalysis
    operation: Operation
    readiness: Readiness

    @property
    def calibrator(self) -> Calibrator:
        """What was fitted on the validation documents."""
        return self.confidence.calibrator


def analyse(
    test: Split, validation: Split, trained_on: Mapping[str, int], settings: AnalysisSettings
) -> Analysis:
    """The whole analysis.

    Args:
        test: documents on which nothing was trained, fitted or chosen.
        validation: documents that were held back from training; calibration and the sweet spot
            are fitted on them.
        trained_on: mentions of each type in training.
        settings: what is asked.

    Raises:
        InputError: a split has no document, or nothing was predicted on the validation documents.
    """
    _require_something(test, validation)
    types = _types(test, validation, trained_on)
    on_test, on_validation = _scored(test), _scored(validation)
    calibrator = fit(on_validation)
    mentions = _mentions(on_test, types, calibrator, settings)
    rule = Rule(settings.high_value, settings.sure_share)
    return Analysis(
        settings=settings,
        documents=len(test.documents),
        validation_documents=len(validation.documents),
        words=len(test.tokens),
        annotated=sum(len(document.entities) for document in test.documents),
        predicted=len(test.predictions),
        performance=_performance(test, on_test, types, trained_on, settings),
        errors=_errors(on_test, types, settings),
        confidence=analyse_confidence(on_test, calibrator, settings.seed),
        operation=_operation(
            mentions, _mentions(on_validation, types, calibrator, settings), settings
        ),
        readiness=Readiness(
            decisions=tuple(decide(mentions, settings.threshold, rule)),
            automation=tuple(automation(mentions, THRESHOLDS, rule, settings.seed)),
            risks=tuple(type_risks(mentions, settings.threshold, settings.seed)),
        ),
    )


def _require_something(test: Split, validation: Split) -> None:
    for name, split in (("test", test), ("validation", validation)):
        if not split.documents:
            raise InputError(f"{name}: no document; there is nothing to analyse")
    if not validation.predictions:
        raise InputError(
            "validation: the model predicted no mention, so that confidence cannot be calibrated; "
            "train for longer or on more documents"
        )


def projected_documents(split: Split) -> list[Document]:
    """The documents with the annotations that their BIO tags spell out."""
    tokens = split.tokens
    entities: dict[str, list[Entity]] = {document.id: [] for document in split.documents}
    texts = {document.id: document.text for document in split.documents}
    for span in tagged_spans(tokens, tokens.gold):
        start, end = int(tokens.start[span.first]), int(tokens.end[span.last - 1])
        mine = entities[span.document]
        text = texts[span.document][start:end]
        mine.append(Entity(f"T{len(mine) + 1}", span.type, ((start, end),), text))
    return [
        replace(document, entities=tuple(entities[document.id])) for document in split.documents
    ]


def _types(test: Split, validation: Split, trained_on: Mapping[str, int]) -> tuple[str, ...]:
    """Every type that occurs on the two splits, the most frequent in training first."""
    seen: Counter[str] = Counter()
    for split in (test, validation):
        seen.update(one.type for document in split.documents for one in document.entities)
        seen.update(one.type for one in split.predictions)
    return tuple(sorted(seen, key=lambda name: (-trained_on.get(name, 0), -seen[name], name)))


def _scored(split: Split) -> Scored:
    outcomes = match(split.documents, split.predictions)
    return Scored(split.documents, outcomes, split.tokens)


def _mentions(
    scored: Scored, types: Sequence[str], calibrator: Calibrator, settings: AnalysisSettings
) -> Mentions:
    confidence = confidences(scored, calibrator, settings.scale)
    return mentions_of(scored.outcomes, scored.documents, types, confidence)


def _performance(
    test: Split,
    scored: Scored,
    types: Sequence[str],
    trained_on: Mapping[str, int],
    settings: AnalysisSettings,
) -> Performance:
    documents, outcomes, seed = scored.documents, scored.outcomes, settings.seed

    def scores(names: Sequence[str], group_of: Any) -> tuple[GroupScore, ...]:
        counts = contributions(outcomes, documents, names, group_of)
        return tuple(group_scores(counts, names, seed))

    projected = projected_documents(test)
    return Performance(
        original=overall_score(outcomes, documents, types, seed),
        projected=overall_score(match(projected, test.predictions), projected, types, seed),
        types=scores(types, type_of),
        tiers=scores(TIERS, tier_group(trained_on)),
        tokens=scores(TOKENS, tokens_of),
        lengths=scores(LENGTHS, length_of),
        trained_on={name: trained_on.get(name, 0) for name in types},
    )


def _errors(scored: Scored, types: Sequence[str], settings: AnalysisSettings) -> Errors:
    seen = Counter(one.gold.type for one in scored.outcomes if one.gold is not None)
    most = sorted(types, key=lambda name: (-seen[name], name))[: settings.confusion_types]
    return Errors(
        kinds=count_kinds(scored.outcomes),
        categories=count_categories(scored.outcomes),
        confusion=confuse(scored.outcomes, most),
        examples=tuple(
            examples(
                scored.outcomes,
                scored.documents,
                show_text=settings.show_text,
                most=settings.examples,
                seed=settings.seed,
            )
        ),
    )


def _operation(test: Mentions, validation: Mentions, settings: AnalysisSettings) -> Operation:
    claim = Claim(settings.precision, settings.confidence)
    chosen = sweet_spot(validation)
    points = tuple(sweep(test, seed=settings.seed))
    return Operation(
        points=points,
        sweet_spot=chosen,
        at_sweet_spot=next(one for one in points if one.threshold == chosen),
        promises=tuple(promise(test, claim, unit, settings.seed) for unit in UNITS),
    )
