"""The crossval step: every document is judged once, by a model that never saw it."""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from thce.config import Config
from thce.evaluation.multilabel import micro_f1
from thce.files import read_json, write_json
from thce.ner import evaluate, export, train
from thce.ner.corpus import fingerprint, read_corpus
from thce.ner.documents import Document
from thce.ner.evaluate import Counted, mapped
from thce.ner.predict import usable_cores
from thce.ner.prediction_files import write_predictions, write_tokens
from thce.ner.predictor import Answer, Predictor
from thce.ner.projection import project
from thce.ner.recipe import Recipe, TrainConfig
from thce.ner.splits import in_split
from thce.ner.type_policy import count_types
from thce.paths import resolve
from thce.progress import say
from thce.registry.run_folder import claim
from thce.registry.splits import TEST


class CrossvalConfig(Config):
    """What is judged, and how.

    Attributes:
        input: a brat folder, or several.
        output: local folder; an interrupted run of the same configuration goes on.
        recipe: how each fold's model learns; its split says the validation share and the seed.
        folds: k.
        weights: fp32 or int8; None takes the default of each bundle.
        seed: of the bootstrap.
    """

    input: str | list[str]
    output: str
    recipe: Recipe = Recipe()
    folds: int = Field(5, ge=2)
    weights: str | None = None
    seed: int = 42


def run(config: CrossvalConfig) -> dict[str, Any]:
    """Trains, exports and scores a bundle per fold and pools what they answered.

    Writes `fold-N/training` and `fold-N/bundle`, and, pooled over all documents, report.json,
    predictions.parquet and tokens.parquet (where the folds have the same tags).

    Returns:
        The scores of `thce ner evaluate` over all documents with bootstrap intervals, and
        strict micro F1 per fold.

    Raises:
        InputError: a brat file is wrong, or another configuration or other documents began the
            folder.
    """
    output = Path(resolve(config.output))
    documents = read_corpus(config.input).documents
    begun = config.model_copy(update={"output": fingerprint(documents)})
    claim(output / "crossval.yaml", begun)
    judged: list[tuple[list[Document], list[Answer], Predictor]] = []
    for fold in range(config.folds):
        say("crossval", f"fold {fold + 1} of {config.folds}")
        judged.append(_judge_fold(config, output / f"fold-{fold}", fold, documents))
    types = count_types(documents)
    counted = [evaluate.count(*one, types) for one in judged]
    columns = sorted({name for one in counted for name in one.types})
    pooled = Counted(
        tuple(columns),
        np.concatenate([_in_columns(one.strict, one.types, columns) for one in counted]),
        np.concatenate([_in_columns(one.original, one.types, columns) for one in counted]),
    )
    per_fold = [float(np.nan_to_num(micro_f1(one.strict.sum(axis=0)))) for one in counted]
    report = {
        "documents": len(pooled.strict),
        "folds": per_fold,
        "fold_mean": float(np.mean(per_fold)),
        "fold_deviation": float(np.std(per_fold, ddof=1)),
        "bundles": [predictor.bundle.version for _, _, predictor in judged],
        **pooled.report(types, config.seed),
    }
    _write_pooled(output, judged)
    write_json(output / "report.json", report)
    return report | {"output": str(output)}


def _judge_fold(
    config: CrossvalConfig, folder: Path, fold: int, documents: list[Document]
) -> tuple[list[Document], list[Answer], Predictor]:
    split = config.recipe.split.model_copy(update={"folds": config.folds, "fold": fold})
    recipe = config.recipe.model_dump() | {"split": split}
    trained, bundle = folder / "training", folder / "bundle"
    train.run(TrainConfig(**recipe, input=config.input, output=str(trained)))
    export.run(export.ExportConfig(model=str(trained), output=str(bundle)))
    predictor = Predictor.open(bundle, config.weights, usable_cores())
    assignment = read_json(trained / "splits.json")["assignment"]
    test = in_split(documents, assignment, TEST)
    answers = predictor.predict([one.id for one in test], [one.text for one in test])
    return test, answers, predictor


def _in_columns(counts: Any, types: tuple[str, ...], columns: list[str]) -> Any:
    """(n, 3, types) with the columns of all folds, zero where a fold has none."""
    wide = np.zeros((*counts.shape[:2], len(columns)), dtype=counts.dtype)
    wide[:, :, [columns.index(name) for name in types]] = counts
    return wide


def _write_pooled(
    output: Path, judged: list[tuple[list[Document], list[Answer], Predictor]]
) -> None:
    answers = [answer for _, some, _ in judged for answer in some]
    tags = judged[0][2].tags
    if any(predictor.tags != tags for _, _, predictor in judged):
        say("crossval", "the folds have different tags; their predictions are not pooled")
        return
    gold = [project(mapped(one, model)).tags for some, _, model in judged for one in some]
    ids = [one.id for some, _, _ in judged for one in some]
    write_predictions(output, answers, tags)
    write_tokens(output, ids, gold, answers, tags)
