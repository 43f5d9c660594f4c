"""One fold of a cross-validation, through the steps that users run."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from thce.files import write_json, write_parquet
from thce.registry import dataset, export, score, train
from thce.registry.crossval_folds import Corpus, Fold
from thce.registry.evaluate import system_decisions
from thce.registry.fuse import Signals
from thce.registry.hydrated import list_column, matrix, read
from thce.registry.predict import Predictor
from thce.registry.splits import Fractions

if TYPE_CHECKING:
    from thce.registry.crossval import CrossvalConfig

SYSTEMS = ("joint", "model", "rules", "union")
RESULT_FILE = "fold.parquet"
TEST_FILE = "test.parquet"


@dataclass(frozen=True)
class FoldResult:
    """What a fold's model says of its test notes.

    Attributes:
        fold: which notes.
        probabilities: float32 (n, 29) of the model.
        joint_probabilities: float32 (n, 29) of model and rules together.
        decisions: bool (n, 29) per system.
    """

    fold: Fold
    probabilities: NDArray[np.float32]
    joint_probabilities: NDArray[np.float32]
    decisions: dict[str, NDArray[np.bool_]]


def run_fold(config: "CrossvalConfig", corpus: Corpus, fold: Fold, folder: Path) -> FoldResult:
    """Dataset, training, export and scoring; only the result stays, unless it is there already.

    Raises:
        InputError: a step refuses its input.
    """
    path = folder / RESULT_FILE
    if not path.is_file():
        _train(config, corpus, fold, folder)
        write_parquet(path, _score(corpus, fold, folder))
    # Outside the condition, for a run that was killed between the result and the end of this.
    (folder / TEST_FILE).unlink(missing_ok=True)
    for name in ("training", "bundle", "scores"):
        shutil.rmtree(folder / name, ignore_errors=True)
    table = pq.read_table(path)
    return FoldResult(
        fold=fold,
        probabilities=matrix(table, "probabilities").astype(np.float32),
        joint_probabilities=matrix(table, "joint_probabilities").astype(np.float32),
        decisions={name: matrix(table, name).astype(bool) for name in SYSTEMS},
    )


def _train(config: "CrossvalConfig", corpus: Corpus, fold: Fold, folder: Path) -> None:
    encounter_ids = corpus.encounter_ids
    test = len(fold.test) / len(encounter_ids)
    val = (1 - test) * config.val_fraction
    held_out = {encounter_ids[row]: "test" for row in fold.test}
    write_json(folder / "frozen.json", {"assignments": held_out})
    dataset.run(
        dataset.DatasetConfig(
            hydrated=str(corpus.hydrated_folder),
            human=str(corpus.human),
            output=str(folder / "dataset"),
            fractions=Fractions(train=1 - test - val, val=val, test=test),
            seed=fold.seed,
            near_duplicate_threshold=config.near_duplicate_threshold,
            frozen=str(folder / "frozen.json"),
        )
    )
    train.run(
        train.TrainConfig(
            **config.recipe.model_dump(),
            dataset=str(folder / "dataset"),
            output=str(folder / "training"),
        )
    )
    export.run(
        export.ExportConfig(
            model=str(folder / "training"),
            dataset=str(folder / "dataset"),
            output=str(folder / "bundle"),
            thresholds=config.thresholds,
            fusion=config.fusion,
            hydrated=str(corpus.hydrated_folder),
        )
    )


def _score(corpus: Corpus, fold: Fold, folder: Path) -> pa.Table:
    rows = pa.array(fold.test, pa.int64())
    notes = folder / TEST_FILE
    write_parquet(notes, corpus.notes.take(rows))
    shutil.rmtree(folder / "scores", ignore_errors=True)
    score.run(
        score.ScoreConfig(
            model=str(folder / "bundle"), input=str(notes), output=str(folder / "scores")
        )
    )
    scored = read(str(folder / "scores"), ["encounter_id", "probabilities"])
    probabilities = matrix(scored, "probabilities").astype(np.float32)
    predictor = Predictor.open(folder / "bundle")
    hydrated = corpus.hydrated.take(rows)
    decisions = system_decisions(predictor.thresholds, predictor.fusion, hydrated, probabilities)
    certainty = predictor.fusion.certainty(
        probabilities, predictor.thresholds, Signals.from_table(hydrated)
    )
    joint = 1 / (1 + np.exp(-certainty))
    columns = {
        "encounter_id": scored["encounter_id"],
        "probabilities": list_column(probabilities, pa.float32()),
        "joint_probabilities": list_column(joint.astype(np.float32), pa.float32()),
    }
    columns |= {name: list_column(decisions[name].astype(np.int8), pa.int8()) for name in SYSTEMS}
    return pa.table(columns)
