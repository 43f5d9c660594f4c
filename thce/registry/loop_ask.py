"""Asking people in a round of the loop: drawing its batches, and taking the answers in."""

from pathlib import Path
from typing import TYPE_CHECKING

from thce.annotations.store import AnnotationStore
from thce.errors import InputError
from thce.files import read_json, read_jsonl, sha256_file, write_json, write_jsonl
from thce.registry import sample
from thce.registry.annotators import answer_by_oracle, wait_for_page
from thce.registry.loop_folder import LoopFolder

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
        if config.annotator != "oracle":
            wanted.append(("test", "random", config.test_labels))
    batches = [
        _draw(config, folder, number, split, strategy, limit)
        for split, strategy, limit in wanted
        if limit
    ]
    if config.annotator == "oracle":
        gold = folder.gold()
        with AnnotationStore.open(folder.store) as store:
            for batch in batches:
                answer_by_oracle(store, batch, gold)
        write_json(folder.asked(number), {"batches": batches})
        return None
    if config.annotator == "page":
        write_json(folder.pending, {"round": number, "batches": batches})
        return finish_answers(config, folder)
    files = [folder.round(number) / f"batch-{batch}.jsonl" for batch in batches]
    write_jsonl(folder.batch, (row for file in files for row in read_jsonl(file)))
    write_json(folder.pending, {"round": number, "batches": batches, "file": str(folder.batch)})
    return folder.batch


def finish_answers(config: "LoopConfig", folder: LoopFolder) -> Path | None:
    """Takes the answers to a pending batch, where one is pending; from the page, it waits for them.

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
    if config.annotator == "page":
        _wait_for_page(folder)
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


def _wait_for_page(folder: LoopFolder) -> None:
    pending = read_json(folder.pending)
    bundle = folder.round(pending["round"] - 1) / "bundle"
    wait_for_page(folder.store, pending["batches"], bundle)
    write_json(folder.asked(pending["round"]), {"batches": pending["batches"]})
    folder.pending.unlink()


def sample_config(config: "LoopConfig", folder: LoopFolder, at: Path) -> sample.SampleConfig:
    """How the pool of the run is read, by the model of the round in folder `at`."""
    return sample.SampleConfig(
        notes=str(folder.hydrated),
        scores=str(at / "scores"),
        model=str(at / "bundle"),
        store=str(folder.store),
        seed=config.seed,
        splits=str(at / "dataset" / "splits.json"),
        near_duplicate_threshold=config.near_duplicate_threshold,
    )


def _draw(
    config: "LoopConfig", folder: LoopFolder, number: int, split: str, strategy: str, limit: int
) -> str:
    before = folder.round(number - 1)
    batch = f"round-{number}-{split}"
    settings = sample_config(config, folder, before).model_dump() | {
        "strategy": strategy,
        "limit": limit,
        "batch": batch,
        "split": split,
        "blind_fraction": config.blind_fraction,
        "overlap": config.overlap,
    }
    if config.annotator == "file":
        settings["output"] = str(folder.round(number) / f"batch-{batch}.jsonl")
    return str(sample.run(sample.SampleConfig.model_validate(settings))["batch"])


def _taken_already(answers: str, folder: LoopFolder) -> bool:
    """Whether the unfinished round was begun with this very file."""
    asked = folder.asked(len(folder.rounds()))
    if not asked.is_file() or not Path(answers).is_file():
        return False
    return bool(read_json(asked).get("answers") == sha256_file(answers))
