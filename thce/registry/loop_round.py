"""One round of the loop: merge what people said, train on, export, score, evaluate."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from thce.annotations.labels_csv import export_labels
from thce.annotations.store import AnnotationStore
from thce.evaluation.results import Evaluation
from thce.files import read_json
from thce.registry import dataset, export, score, train
from thce.registry.candidates import counted_disagreements
from thce.registry.loop_ask import sample_config
from thce.registry.loop_evaluate import evaluate_test
from thce.registry.loop_folder import LoopFolder, Round
from thce.registry.sample_pool import read_pool
from thce.registry.splits import read_assignments

if TYPE_CHECKING:
    from thce.registry.loop import LoopConfig


def run_round(config: "LoopConfig", folder: LoopFolder, number: int) -> Round:
    """Merges, trains, exports, scores and evaluates; the round is done when this returns."""
    here = folder.round(number)
    before = folder.round(number - 1) if number else None
    built = dataset.run(_dataset_config(config, folder, here, before))
    train.run(_train_config(config, here, before))
    # What a killed attempt left, temporary folders too: a finished round never comes here again.
    for left in [here / "bundle", here / "scores", *here.glob(".*")]:
        shutil.rmtree(left, ignore_errors=True)
    exported = export.run(
        export.ExportConfig(
            model=str(here / "training"),
            dataset=str(here / "dataset"),
            output=str(here / "bundle"),
            parent=read_json(before / "round.json")["version"] if before else None,
            thresholds=config.thresholds,
            fusion=config.fusion,
            hydrated=str(folder.hydrated) if config.fit_fusion else None,
        )
    )
    score.run(
        score.ScoreConfig(
            model=str(here / "bundle"), input=str(folder.notes), output=str(here / "scores")
        )
    )
    evaluation = evaluate_test(config, folder, number)
    disagreeing, compared = _disagreement(config, folder, number)
    finished = Round(
        number=number,
        labels_spent=_labels_spent(folder),
        training_notes=int(built["notes"]["train"]),
        scores=_scores(evaluation) if evaluation else None,
        rare_f1=_rare_f1(evaluation, config.stopping.rare_positives) if evaluation else None,
        disagreeing=disagreeing,
        compared=compared,
        version=str(exported["version"]),
        fingerprint=str(built["fingerprint"]),
    )
    folder.finish(finished)
    return finished


def _dataset_config(
    config: "LoopConfig", folder: LoopFolder, here: Path, before: Path | None
) -> dataset.DatasetConfig:
    human = None
    if folder.store.is_file():
        human = here / "human_labels.csv"
        with AnnotationStore.open(folder.store) as store:
            labels = export_labels(store, human)
            store.mark_merged(labels.table)
    return dataset.DatasetConfig(
        hydrated=str(folder.hydrated),
        human=str(human) if human else None,
        output=str(here / "dataset"),
        fractions=config.fractions,
        seed=config.seed,
        near_duplicate_threshold=config.near_duplicate_threshold,
        frozen=_frozen(folder, before),
    )


def _frozen(folder: LoopFolder, before: Path | None) -> str | None:
    """Every note stays where it was; at the start only given test notes have their place."""
    if before is not None:
        return str(before / "dataset" / "splits.json")
    return str(folder.frozen) if folder.frozen.is_file() else None


def _train_config(config: "LoopConfig", here: Path, before: Path | None) -> train.TrainConfig:
    recipe = config.recipe
    if before is not None:
        recipe = recipe.model_copy(update=config.warm.model_dump())
    return train.TrainConfig(
        **recipe.model_dump(),
        dataset=str(here / "dataset"),
        output=str(here / "training"),
        init_from=str(before / "training") if before else None,
    )


def _disagreement(config: "LoopConfig", folder: LoopFolder, number: int) -> tuple[int, int]:
    """Open train notes in dispute, and open train notes."""
    with AnnotationStore.open(folder.store, create=True) as store:
        pool = read_pool(sample_config(config, folder, folder.round(number)), store)
    disputed = counted_disagreements(pool.candidates).any(axis=1)
    return int(disputed.sum()), len(pool.candidates)


def _labels_spent(folder: LoopFolder) -> int:
    """Notes of train and validation with an answer; test answers measure, they do not teach."""
    assignments = read_assignments(str(folder.round(0) / "dataset" / "splits.json"))
    with AnnotationStore.open(folder.store, create=True) as store:
        answered = store.human_labels().table["encounter_id"].to_pylist()
    return sum(assignments.get(name) in ("train", "val") for name in answered)


def _scores(evaluation: Evaluation) -> dict[str, list[float]]:
    main, model = evaluation.main, evaluation.system("model")
    found = {"micro_f1": main.micro_f1, "macro_f1": main.macro_f1}
    if model is not None:
        found |= {"model_micro_f1": model.micro_f1, "model_macro_f1": model.macro_f1}
    return {
        name: [round(one.estimate, 4), round(one.low, 4), round(one.high, 4)]
        for name, one in found.items()
    }


def _rare_f1(evaluation: Evaluation, most: int) -> float | None:
    """Mean F1 of the flags with 1 to `most` positives in the test, None without such flags."""
    rare = [one.f1 for one in evaluation.main.score.labels if 0 < one.tp + one.fn <= most]
    return round(float(np.mean(rare)), 4) if rare else None
