"""Everything that is said of a model's mentions, from the mentions themselves to readiness.

Nothing here reads a file or runs a model: annotated documents, predictions and the words' tags
come in, figures go out. Whatever is fitted or chosen is fitted on the validation documents and
judged on the test documents.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from thce.errors import InputError
from thce.evaluation.fixed_sequence import Claim
from thce.ner.analysis_results import (
    Analysis,
    AnalysisSettings,
    Errors,
    Fold,
    Operation,
    Performance,
    Readiness,
    Split,
)
from thce.ner.confidence import (
    Calibrator,
    Scored,
    analyse_confidence,
    confidences,
    fit,
)
from thce.ner.counts import (
    LENGTHS,
    TIERS,
    TOKENS,
    GroupOf,
    GroupScore,
    contributions,
    group_scores,
    length_of,
    overall_score,
    tier_group,
    tokens_of,
    type_of,
)
from thce.ner.documents import Document, Entity
from thce.ner.errors import (
    confuse,
    count_categories,
    count_kinds,
    examples,
)
from thce.ner.matching import Outcome, match
from thce.ner.mentions import Mentions, mentions_of
from thce.ner.operating import (
    THRESHOLDS,
    UNITS,
    promise,
    sweep,
    sweet_spot,
)
from thce.ner.readiness import (
    Rule,
    automation,
    decide,
    type_risks,
)
from thce.ner.token_table import tagged_spans


def analyse(folds: Sequence[Fold], settings: AnalysisSettings) -> Analysis:
    """The whole analysis.

    Args:
        folds: one model, or those of several folds, whose test documents differ.
        settings: what is asked.

    Raises:
        InputError: a split has no document, nothing was predicted on validation documents, or two
            folds share a test document.
    """
    _require_something(folds)
    types = _types(folds)
    scored = [_scored(fold.test) for fold in folds]
    held_back = [_scored(fold.validation) for fold in folds]
    calibrators = [fit(one) for one in held_back]
    documents = [document for one in scored for document in one.documents]
    outcomes = [outcome for one in scored for outcome in one.outcomes]
    mentions = _mentions(scored, calibrators, types, settings)
    rule = Rule(settings.high_value, settings.sure_share)
    return Analysis(
        settings=settings,
        folds=len(folds),
        documents=len(documents),
        validation_documents=sum(len(fold.validation.documents) for fold in folds),
        words=sum(len(fold.test.tokens) for fold in folds),
        annotated=sum(len(document.entities) for document in documents),
        predicted=sum(len(fold.test.predictions) for fold in folds),
        performance=_performance(folds, documents, outcomes, types, settings.seed),
        errors=_errors(documents, outcomes, types, settings),
        confidence=analyse_confidence(list(zip(scored, calibrators, strict=True)), settings.seed),
        operation=_operation(
            mentions, _mentions(held_back, calibrators, types, settings), settings
        ),
        readiness=Readiness(
            decisions=tuple(decide(mentions, settings.threshold, rule)),
            automation=tuple(automation(mentions, THRESHOLDS, rule, settings.seed)),
            risks=tuple(type_risks(mentions, settings.threshold, settings.seed)),
        ),
    )


def _require_something(folds: Sequence[Fold]) -> None:
    seen: set[str] = set()
    for fold in folds:
        for name, split in (("test", fold.test), ("validation", fold.validation)):
            if not split.documents:
                raise InputError(f"{name}: no document; there is nothing to analyse")
        if not fold.validation.predictions:
            raise InputError(
                "validation: the model predicted no mention, so that confidence cannot be "
                "calibrated; train for longer or on more documents"
            )
        ids = {document.id for document in fold.test.documents}
        if seen & ids:
            raise InputError(
                f"test: {min(seen & ids)} is a test document of two models; give the folds of one "
                "split"
            )
        seen |= ids


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


def _types(folds: Sequence[Fold]) -> tuple[str, ...]:
    """Every type that occurs on the splits, the most frequent in training first."""
    seen: Counter[str] = Counter()
    trained: Counter[str] = Counter()
    for fold in folds:
        trained.update(fold.trained_on)
        for split in (fold.test, fold.validation):
            seen.update(one.type for document in split.documents for one in document.entities)
            seen.update(one.type for one in split.predictions)
    return tuple(sorted(seen, key=lambda name: (-trained[name], -seen[name], name)))


def _scored(split: Split) -> Scored:
    outcomes = match(split.documents, split.predictions)
    return Scored(split.documents, outcomes, split.tokens)


def _mentions(
    scored: Sequence[Scored],
    calibrators: Sequence[Calibrator],
    types: Sequence[str],
    settings: AnalysisSettings,
) -> Mentions:
    """The predictions of all folds with the chosen confidence."""
    return mentions_of(
        [outcome for one in scored for outcome in one.outcomes],
        [document for one in scored for document in one.documents],
        types,
        np.concatenate(
            [
                confidences(one, calibrator, settings.scale)
                for one, calibrator in zip(scored, calibrators, strict=True)
            ]
        ),
    )


def _performance(
    folds: Sequence[Fold],
    documents: Sequence[Document],
    outcomes: Sequence[Outcome],
    types: Sequence[str],
    seed: int,
) -> Performance:
    trained_on = {
        name: round(sum(fold.trained_on.get(name, 0) for fold in folds) / len(folds))
        for name in types
    }

    def scores(names: Sequence[str], group_of: GroupOf) -> tuple[GroupScore, ...]:
        counts = contributions(outcomes, documents, names, group_of)
        return tuple(group_scores(counts, names, seed))

    projected = [document for fold in folds for document in projected_documents(fold.test)]
    predictions = [one for fold in folds for one in fold.test.predictions]
    return Performance(
        original=overall_score(outcomes, documents, types, seed),
        projected=overall_score(match(projected, predictions), projected, types, seed),
        types=scores(types, type_of),
        tiers=scores(TIERS, tier_group(trained_on)),
        tokens=scores(TOKENS, tokens_of),
        lengths=scores(LENGTHS, length_of),
        trained_on=trained_on,
    )


def _errors(
    documents: Sequence[Document],
    outcomes: Sequence[Outcome],
    types: Sequence[str],
    settings: AnalysisSettings,
) -> Errors:
    seen = Counter(one.gold.type for one in outcomes if one.gold is not None)
    most = sorted(types, key=lambda name: (-seen[name], name))[: settings.confusion_types]
    return Errors(
        kinds=count_kinds(outcomes),
        categories=count_categories(outcomes),
        confusion=confuse(outcomes, most),
        examples=tuple(
            examples(
                outcomes,
                documents,
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
        promises=tuple(promise(test, validation, claim, unit, settings.seed) for unit in UNITS),
    )
