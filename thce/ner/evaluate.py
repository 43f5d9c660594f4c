"""The evaluate step: a bundle against annotated documents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.intervals import bootstrap
from thce.evaluation.multilabel import f1, macro_f1, micro_f1, nan_to_none, precision, recall
from thce.files import read_json, write_json
from thce.ner.corpus import read_corpus
from thce.ner.decode import tag_names
from thce.ner.documents import Document
from thce.ner.predict import usable_cores
from thce.ner.prediction_files import PREDICTIONS_FILE, TOKENS_FILE, write_predictions, write_tokens
from thce.ner.predictor import Answer, Predictor
from thce.ner.projection import project
from thce.ner.scores import count_places, strict_counts
from thce.ner.type_policy import apply_mapping, count_types, tier_of
from thce.notes.outputs import require_replaceable
from thce.paths import resolve

EVALUATION_FILE = "evaluation.json"
PRODUCT = (PREDICTIONS_FILE, TOKENS_FILE, EVALUATION_FILE)


class EvaluateConfig(Config):
    """What is evaluated, and on what.

    Attributes:
        model: bundle folder, URL or `champion:CHANNEL`.
        input: a brat folder, or several.
        split: train, val or test takes only the documents that training dealt there.
        weights: fp32 or int8; None takes the bundle's default.
        output: folder for predictions.parquet, tokens.parquet and evaluation.json, or None.
        sessions: threads that share the work; None takes one a core.
        seed: of the bootstrap.
    """

    model: str
    input: str | list[str]
    split: Literal["train", "val", "test"] | None = None
    weights: str | None = None
    output: str | None = None
    sessions: int | None = None
    seed: int = 42


def run(config: EvaluateConfig) -> dict[str, Any]:
    """Scores a bundle.

    Returns:
        `strict`: micro and macro F1, precision and recall on the tags of words, as seqeval has
        it, with bootstrap intervals over documents. `original_spans`: the same against the
        mentions of the files, where a discontinuous, hidden or widened mention that no tag can
        say is missed. `types`: per type. `seen_in_training`: how many of the documents the model
        learned from, by name.

    Raises:
        InputError: the bundle or a brat file is wrong, or no document is left.
    """
    output = None if config.output is None else Path(resolve(config.output))
    if output is not None:
        require_replaceable("output", output, PRODUCT)
    predictor = Predictor.open(config.model, config.weights, config.sessions or usable_cores())
    documents = read_corpus(config.input).documents
    assignment = read_json(predictor.bundle.path("splits.json"))["assignment"]
    if config.split is not None:
        documents = [one for one in documents if assignment.get(one.id) == config.split]
        if not documents:
            raise InputError(f"split: no document of the input was in {config.split} at training")
    answers = predictor.predict([one.id for one in documents], [one.text for one in documents])
    report = {
        "model": predictor.bundle.version,
        "weights": predictor.weights,
        "documents": len(documents),
        "seen_in_training": sum(assignment.get(one.id) == "train" for one in documents),
        "unknown_types": unknown_types(documents, predictor),
        **count(documents, answers, predictor).report(
            predictor.tags_file["train_mentions"], config.seed
        ),
    }
    if output is not None:
        gold = [project(mapped(one, predictor)).tags for one in documents]
        write_predictions(output, answers, predictor.tags)
        write_tokens(output, [one.id for one in documents], gold, answers, predictor.tags)
        write_json(output / EVALUATION_FILE, report)
    return report | {"output": output and str(output)}


def mapped(document: Document, predictor: Predictor) -> Document:
    """The document with its types as the model's training had them."""
    return apply_mapping(document, predictor.tags_file["mapping"])


def unknown_types(documents: Sequence[Document], predictor: Predictor) -> list[str]:
    """The types of these documents that the model was never told of: all of them are missed."""
    found = count_types([mapped(one, predictor) for one in documents])
    return sorted(set(found) - set(predictor.tags.types))


@dataclass(frozen=True)
class Counted:
    """What each of n documents adds to true and false positives and false negatives.

    Attributes:
        types: names of the columns.
        strict: (n, 3, types) on the tags of words.
        original: (n, 3, types) on the mentions of the files.
    """

    types: tuple[str, ...]
    strict: NDArray[np.int32]
    original: NDArray[np.int32]

    def report(self, trained: Mapping[str, int], seed: int) -> dict[str, Any]:
        """Scores with intervals, and per type; `trained` are its mentions in training."""
        return nan_to_none(
            {
                "strict": _scores(self.strict, seed),
                "original_spans": _scores(self.original, seed),
                "types": _per_type(self.strict.sum(axis=0), self.types, trained),
            }
        )


def count(
    documents: Sequence[Document],
    answers: Sequence[Answer],
    predictor: Predictor,
    types: Iterable[str] = (),
) -> Counted:
    """Counts answers against annotations.

    Args:
        documents: as the files have them.
        answers: what the predictor says of each.
        predictor: knows how types were mapped.
        types: further columns, so that counts of several folds fit together.
    """
    wanted = [mapped(one, predictor) for one in documents]
    known = {*predictor.tags.types, *count_types(wanted), *count_types(documents), *types}
    columns = tuple(sorted(known))
    strict = [
        strict_counts(
            project(document).tags,
            tag_names(answer.path, predictor.tags),
            columns,
        )
        for document, answer in zip(wanted, answers, strict=True)
    ]
    original = [
        count_places(
            [(entity.type, entity.spans) for entity in document.entities],
            [(one.type, ((one.start, one.end),)) for one in answer.mentions],
            columns,
        )
        for document, answer in zip(documents, answers, strict=True)
    ]
    return Counted(columns, np.stack(strict), np.stack(original))


def _scores(counts: NDArray[np.int32], seed: int) -> dict[str, Any]:
    """(documents, 3, types) -> every score with its interval over documents."""
    found = bootstrap(
        counts,
        {
            "micro_f1": micro_f1,
            "macro_f1": macro_f1,
            "precision": lambda sums: precision(sums.sum(axis=-1, keepdims=True))[..., 0],
            "recall": lambda sums: recall(sums.sum(axis=-1, keepdims=True))[..., 0],
        },
        seed=seed,
    )
    mentions = counts.sum(axis=(0, 2))
    return {
        **{name: interval.to_dict() for name, interval in found.items()},
        "right": int(mentions[0]),
        "spurious": int(mentions[1]),
        "missed": int(mentions[2]),
    }


def _per_type(
    counts: NDArray[np.integer], types: Sequence[str], trained: Mapping[str, int]
) -> dict[str, Any]:
    """The types that were annotated or predicted, the most frequent first."""
    rates = zip(types, precision(counts), recall(counts), f1(counts), counts.T, strict=True)
    rows: dict[str, dict[str, Any]] = {
        name: {
            "precision": float(type_precision),
            "recall": float(type_recall),
            "f1": float(type_f1),
            "support": int(column[0] + column[2]),
            "predicted": int(column[0] + column[1]),
            "train_mentions": trained.get(name, 0),
            "tier": tier_of(trained.get(name, 0)),
        }
        for name, type_precision, type_recall, type_f1, column in rates
        if column.sum()
    }
    return dict(sorted(rows.items(), key=lambda item: (-item[1]["support"], item[0])))
