"""One round of the loop: ask people, merge what they said, train on, export, score, evaluate."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from thce.annotations.labels_csv import export_labels
from thce.annotations.store import AnnotationStore
from thce.errors import InputError
from thce.evaluation.comparison import Comparison
from thce.evaluation.results import Evaluation, RoundResult
from thce.evaluation.systems import evaluate_systems
from thce.files import read_json, read_jsonl, sha256_file, write_json, write_jsonl
from thce.registry import dataset, export, sample, score, train
from thce.registry.annotators import answer_by_oracle
from thce.registry.candidates import counted_disagreements
from thce.registry.evaluate import evaluate_bundle
from thce.registry.fusion_fit import COLUMNS
from thce.registry.gold import gold_cells
from thce.registry.hydrated import matrix, read
from thce.registry.labels import FLAG_NAMES, INDEX, UNKNOWN, Cells
from thce.registry.loop_folder import LoopFolder, Round
from thce.registry.predict import Predictor
from thce.registry.sample_pool import read_pool
from thce.registry.splits import read_assignments

if TYPE_CHECKING:
    from thce.registry.loop import LoopConfig


def ask(config: "LoopConfig", folder: LoopFolder, number: int) -> Path | None:
    """Draws the batches of a round and has them answered.

    Returns:
        The file that waits for people, or None once everything is answered.
    """
    wanted = [("train", config.strategy, config.labels_per_round)]
    if number == 1:
        wanted.append(("val", "random", config.validation_labels))
        if config.annotator == "file":
            wanted.append(("test", "random", config.test_labels))
    batches = [
        _draw(config, folder, number, split, strategy, limit)
        for split, strategy, limit in wanted
        if limit
    ]
    if config.annotator == "oracle":
        gold = _gold_by_encounter(folder)
        with AnnotationStore.open(folder.store) as store:
            for batch in batches:
                answer_by_oracle(store, batch, gold)
        write_json(folder.asked(number), {"batches": batches})
        return None
    files = [folder.round(number) / f"batch-{batch}.jsonl" for batch in batches]
    write_jsonl(folder.batch, (row for file in files for row in read_jsonl(file)))
    write_json(folder.pending, {"round": number, "batches": batches, "file": str(folder.batch)})
    return folder.batch


def finish_answers(config: "LoopConfig", folder: LoopFolder) -> Path | None:
    """Takes the answers to a pending batch, where one is pending.

    The same answers given again, because the run was killed after it had taken them, are no error.

    Returns:
        The batch file if it still waits.

    Raises:
        InputError: answers were given, and none of them is to the pending batch.
    """
    if not folder.pending.is_file():
        if config.answers is not None and not _taken_already(config.answers, folder):
            raise InputError("answers: no batch is pending in this run; leave them out")
        return None
    if config.answers is None:
        return folder.batch
    from thce.annotations.prodigy_import import import_answers

    pending = read_json(folder.pending)
    with AnnotationStore.open(folder.store) as store:
        done = import_answers(store, config.answers)
        answered = {batch.batch for batch in store.batches() if batch.answered}
    if not answered.intersection(pending["batches"]):
        raise InputError(
            f"answers: {config.answers}: no answer to the pending batch in {done.lines} lines"
            + (f"; see {done.quarantine}" if done.quarantine else "")
        )
    write_json(
        folder.asked(pending["round"]),
        {"batches": pending["batches"], "answers": sha256_file(config.answers)},
    )
    folder.pending.unlink()
    return None


def _taken_already(answers: str, folder: LoopFolder) -> bool:
    """Whether the unfinished round was begun with this very file."""
    asked = folder.asked(len(folder.rounds()))
    if not asked.is_file() or not Path(answers).is_file():
        return False
    return bool(read_json(asked).get("answers") == sha256_file(answers))


def run_round(config: "LoopConfig", folder: LoopFolder, number: int) -> Round:
    """Merges, trains, exports, scores and evaluates; the round is done when this returns."""
    here = folder.round(number)
    here.mkdir(parents=True, exist_ok=True)
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


def evaluate_test(config: "LoopConfig", folder: LoopFolder, number: int) -> Evaluation | None:
    """The round's joint decisions on the frozen test notes, beside rules, model and last round.

    None where nobody has labelled a test note yet.
    """
    hydrated, label = _test_notes(config, folder)
    if not (label != UNKNOWN).any():
        return None
    scored = _scored(folder.round(number) / "scores", hydrated["encounter_id"].to_pylist())
    rivals = {}
    if number:
        before = folder.round(number - 1) / "scores"
        rivals["previous"] = _scored(before, hydrated["encounter_id"].to_pylist())[1]
    predictor = Predictor.open(folder.round(number) / "bundle")
    return evaluate_bundle(predictor, hydrated, scored[0], label, config.seed, rivals)


def compare_ends(
    config: "LoopConfig", folder: LoopFolder, rounds: Sequence[RoundResult]
) -> tuple[Comparison, ...]:
    """The last round's joint decisions against the first one's, paired over the test notes."""
    hydrated, label = _test_notes(config, folder)
    ids = hydrated["encounter_id"].to_pylist()
    systems = {
        name: _scored(folder.round(one.number) / "scores", ids)[1]
        for name, one in (("last round", rounds[-1]), ("first model", rounds[0]))
    }
    return evaluate_systems(label, systems, FLAG_NAMES, seed=config.seed).comparisons


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


def _draw(
    config: "LoopConfig", folder: LoopFolder, number: int, split: str, strategy: str, limit: int
) -> str:
    before = folder.round(number - 1)
    batch = f"round-{number}-{split}"
    settings = _sample_config(config, folder, before).model_dump() | {
        "strategy": strategy,
        "limit": limit,
        "batch": batch,
        "split": split,
        "blind_fraction": config.blind_fraction,
    }
    if config.annotator == "file":
        settings["output"] = str(folder.round(number) / f"batch-{batch}.jsonl")
    return str(sample.run(sample.SampleConfig.model_validate(settings))["batch"])


def _sample_config(config: "LoopConfig", folder: LoopFolder, at: Path) -> sample.SampleConfig:
    return sample.SampleConfig(
        notes=str(folder.hydrated),
        scores=str(at / "scores"),
        model=str(at / "bundle"),
        store=str(folder.store),
        seed=config.seed,
        splits=str(at / "dataset" / "splits.json"),
        near_duplicate_threshold=config.near_duplicate_threshold,
    )


def _disagreement(config: "LoopConfig", folder: LoopFolder, number: int) -> tuple[int, int]:
    """Open train notes in dispute, and open train notes."""
    with AnnotationStore.open(folder.store, create=True) as store:
        pool = read_pool(_sample_config(config, folder, folder.round(number)), store)
    disputed = counted_disagreements(pool.candidates).any(axis=1)
    return int(disputed.sum()), len(pool.candidates)


def _test_notes(config: "LoopConfig", folder: LoopFolder) -> tuple[pa.Table, Cells]:
    """The hydrated notes of the frozen test and their gold cells, by encounter."""
    assignments = read_assignments(str(folder.round(0) / "dataset" / "splits.json"))
    hydrated = read(str(folder.hydrated), [*COLUMNS, "text"])
    ids = hydrated["encounter_id"].to_pylist()
    hydrated = hydrated.filter(pa.array([assignments.get(name) == "test" for name in ids]))
    ids = hydrated["encounter_id"].to_pylist()
    if config.annotator == "oracle":
        gold = _gold_by_encounter(folder)
        return hydrated, np.stack([gold[name] for name in ids])
    label = np.full((len(ids), len(FLAG_NAMES)), UNKNOWN, np.int8)
    if folder.store.is_file():
        with AnnotationStore.open(folder.store) as store:
            answered = store.human_labels().table
        row_of = {name: row for row, name in enumerate(ids)}
        for answer in answered.to_pylist():
            row = row_of.get(answer["encounter_id"])
            for flag in FLAG_NAMES if row is not None else ():
                if answer[flag] is not None:
                    label[row, INDEX[flag]] = answer[flag]
    return hydrated, label


def _gold_by_encounter(folder: LoopFolder) -> dict[str, Cells]:
    table = pq.read_table(folder.notes, columns=["encounter_id", "accept", "uncertain"])
    return dict(zip(table["encounter_id"].to_pylist(), gold_cells(table), strict=True))


def _scored(
    scores: Path, encounter_ids: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Probabilities and joint decisions (n, 29) of these notes."""
    columns = ["encounter_id", "accept", "probabilities"]
    table = read(str(scores), columns)
    position = {name: row for row, name in enumerate(table["encounter_id"].to_pylist())}
    table = table.take([position[name] for name in encounter_ids])
    accept = np.zeros((len(table), len(FLAG_NAMES)), dtype=bool)
    for row, names in enumerate(table["accept"].to_pylist()):
        accept[row, [INDEX[name] for name in names]] = True
    return matrix(table, "probabilities").astype(np.float32), accept


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
