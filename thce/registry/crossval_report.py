"""What a cross-validation found: each fold, and all out-of-fold decisions together."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from thce.evaluation.comparison import METRICS
from thce.evaluation.repeated_folds import corrected_interval
from thce.evaluation.results import Evaluation, SystemScore
from thce.evaluation.systems import evaluate_systems
from thce.files import write_parquet
from thce.registry.crossval_folds import Corpus
from thce.registry.crossval_run import SYSTEMS, FoldResult
from thce.registry.hydrated import list_column
from thce.registry.labels import FLAG_NAMES

if TYPE_CHECKING:
    from thce.registry.crossval import CrossvalConfig

OUT_OF_FOLD_FILE = "out_of_fold.parquet"


def describe(
    config: "CrossvalConfig", corpus: Corpus, done: Sequence[FoldResult]
) -> dict[str, Any]:
    """The report, as JSON holds it.

    All out-of-fold decisions together have bootstrap intervals over notes (all repetitions of a
    note, and near-duplicates, are drawn together): how far the figure moves with other notes,
    these models given. By fold, `over_folds` has the corrected interval over folds: how far it
    moves with other training notes, too.
    """
    rows = [row for result in done for row in result.fold.test]
    together = evaluate_systems(
        corpus.label[rows],
        {name: np.concatenate([one.decisions[name] for one in done]) for name in SYSTEMS},
        FLAG_NAMES,
        groups=[corpus.groups[row] for row in rows],
        seed=config.seed,
    )
    each = [_evaluate(config, corpus, result) for result in done]
    return {
        "by": config.by,
        "notes": len(corpus.label),
        "repeats": config.repeats if config.by == "fold" else 1,
        "systems": [_system(one) for one in together.systems],
        "over_folds": _over_folds(corpus, done, each) if config.by == "fold" else None,
        "comparisons": [one.to_dict() for one in together.comparisons],
        "labels": together.main.score.to_dict()["labels"],
        "folds": [
            {
                "name": result.fold.name,
                "test_notes": len(result.fold.test),
                "systems": [_system(one) for one in found.systems],
            }
            for result, found in zip(done, each, strict=True)
        ],
    }


def write_out_of_fold(corpus: Corpus, done: Sequence[FoldResult], output: Path) -> Path:
    """Writes a row per note and repetition: given label, probabilities, by whom.

    Columns: `encounter_id`, `repeat`, `fold`, `label` (29 of 1, 0, -1), `probabilities` of the
    model and `joint_probabilities` of model and rules, each by a model that never saw the note.
    """
    rows = [row for result in done for row in result.fold.test]
    encounter_ids = corpus.encounter_ids
    table = pa.table(
        {
            "encounter_id": [encounter_ids[row] for row in rows],
            "repeat": [one.fold.repeat for one in done for _ in one.fold.test],
            "fold": [one.fold.name for one in done for _ in one.fold.test],
            "label": list_column(corpus.label[rows], pa.int8()),
            "probabilities": list_column(
                np.concatenate([one.probabilities for one in done]), pa.float32()
            ),
            "joint_probabilities": list_column(
                np.concatenate([one.joint_probabilities for one in done]), pa.float32()
            ),
        }
    )
    path = output / OUT_OF_FOLD_FILE
    write_parquet(path, table)
    return path


def _evaluate(config: "CrossvalConfig", corpus: Corpus, result: FoldResult) -> Evaluation:
    rows = result.fold.test
    return evaluate_systems(
        corpus.label[rows],
        result.decisions,
        FLAG_NAMES,
        groups=[corpus.groups[row] for row in rows],
        seed=config.seed,
    )


def _system(one: SystemScore) -> dict[str, Any]:
    return {"name": one.name} | {name: getattr(one, name).to_dict() for name in METRICS}


def _over_folds(
    corpus: Corpus, done: Sequence[FoldResult], each: Sequence[Evaluation]
) -> dict[str, Any]:
    """Corrected intervals of each system, and of the joint decision less each other system."""
    tested = np.mean([len(result.fold.test) for result in done])
    ratio = float(tested / (len(corpus.label) - tested))
    scores = {
        (name, metric): [_estimate(found, name, metric) for found in each]
        for name in SYSTEMS
        for metric in METRICS
    }
    main, *others = SYSTEMS
    return {
        "systems": {
            name: {
                metric: corrected_interval(scores[name, metric], ratio).to_dict()
                for metric in METRICS
            }
            for name in SYSTEMS
        },
        "differences": {
            f"{main} less {other}": {
                metric: corrected_interval(
                    np.subtract(scores[main, metric], scores[other, metric]).tolist(), ratio
                ).to_dict()
                for metric in METRICS
            }
            for other in others
        },
    }


def _estimate(found: Evaluation, name: str, metric: str) -> float:
    system = found.system(name)
    return float(getattr(system, metric).estimate)
