"""What an analysis is asked and what it found, as plain data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from thce.config import Config
from thce.evaluation.intervals import SEED
from thce.ner.confidence import ConfidenceAnalysis, Scale
from thce.ner.counts import GroupScore, OverallScore
from thce.ner.documents import Document, Prediction
from thce.ner.errors import MOST_EXAMPLES, Confusion, Example
from thce.ner.operating import OperatingPoint, Promise
from thce.ner.readiness import HIGH_VALUE, AutomationRate, DocumentDecision, TypeRisk
from thce.ner.token_table import Tokens


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
class Fold:
    """One model on documents that it did not learn from.

    Attributes:
        test: documents on which nothing was trained, fitted or chosen.
        validation: documents held back from training; calibration and the sweet spot are fitted
            on them.
        trained_on: mentions of each type in training.
    """

    test: Split
    validation: Split
    trained_on: Mapping[str, int]


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
        trained_on: mentions in training of each type; over several folds their mean.
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
    """Everything about one model on its test documents, or about the models of several folds.

    Attributes:
        settings: what was asked.
        folds: models, each judged on test documents of its own.
        documents: test documents, all folds together.
        validation_documents: likewise; a document may be in several.
        words: of the test documents.
        annotated: mentions.
        predicted: mentions.
        performance: how well mentions are found.
        errors: what goes wrong.
        confidence: what confidence is worth.
        operation: what thresholds of it give.
        readiness: what needs no person.
    """

    settings: AnalysisSettings
    folds: int
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

    def raw_threshold(self, threshold: float) -> float | None:
        """A threshold of the chosen scale as raw confidence, which is what a bundle answers with.

        None where it is not the same for all mentions: with a temperature, or over several folds.
        """
        scale = self.settings.scale
        if scale == "raw":
            return threshold
        if scale == "temperature" or self.folds > 1:
            return None
        return self.confidence.calibrators[0].spans.invert(threshold)
