"""The sample step: which notes to ask a person about next, as a batch of tasks."""

from hashlib import sha256
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thce import paths
from thce.annotations.defaults import default_store
from thce.annotations.prodigy import HOLD_SECONDS, export_tasks
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask
from thce.config import Config
from thce.errors import InputError
from thce.registry.candidates import Candidates, disagreement_rate
from thce.registry.prefill import opinions_of
from thce.registry.sample_pool import Pool, read_pool
from thce.registry.seeded_order import seeded_keys
from thce.registry.strategies import STRATEGIES

StrategyName = Literal["disagreement", "uncertainty", "random", "rare_boost", "hybrid"]

WITHOUT_MODEL: StrategyName = "rare_boost"
"""What stands in for a strategy that needs a model while there is none; the report says so."""

SHORTLIST = 3
"""Near-duplicates are looked for among this many times `limit` best notes, not in the pool."""


class SampleConfig(Config):
    """Which notes to ask about, and where the batch goes.

    Attributes:
        notes: Parquet file or folder that the hydrate step wrote.
        scores: what the score step wrote for these notes; none while there is no model.
        model: the bundle that gave the scores: its thresholds and version.
        store: the annotation store; by default the one under THCE_HOME.
        strategy: disagreement, uncertainty, random, rare_boost or hybrid.
        limit: tasks in the batch.
        seed: breaks ties, shuffles and picks the blind tasks.
        batch: the batch's name in the store; by default derived from what was chosen, so that a
            run repeated after a crash ends in the same batch. A batch of that name that exists
            is handed out again as it is.
        output: JSON lines for Prodigy; none where people answer in the store's own page.
        hold_hours: how long notes handed out as a file are not sampled again.
        blind_fraction: share of the tasks that show no prefill and no meta.
        overlap: annotators asked for per task.
        splits: splits.json of a dataset; only notes of `split`, and new ones, are asked about.
        split: the split to ask about where `splits` is given.
        near_duplicate_threshold: similarity from which one note of a group is asked first.
    """

    notes: str
    scores: str | None = None
    model: str | None = None
    store: str | None = None
    strategy: StrategyName = "disagreement"
    limit: int = Field(default=200, ge=1)
    seed: int = 42
    batch: str | None = None
    output: str | None = None
    hold_hours: float = Field(default=HOLD_SECONDS / 3600, ge=0)
    blind_fraction: float = Field(default=0.0, ge=0, le=1)
    overlap: int = Field(default=1, ge=1)
    splits: str | None = None
    split: Literal["train", "val", "test"] = "train"
    near_duplicate_threshold: float = Field(default=0.8, gt=0, le=1)

    @model_validator(mode="after")
    def _scores_with_their_model(self) -> "SampleConfig":
        if (self.scores is None) != (self.model is None):
            raise ValueError("give scores and the model that made them together, or neither")
        return self


def run(config: SampleConfig) -> dict[str, Any]:
    """Chooses notes, puts their tasks into the store and writes the file for Prodigy.

    Notes that are answered, leased, held in another file or deleted are never chosen.

    Returns:
        The batch, tasks, strategy asked for and used, what was left out and why, and the
        disagreement rate over the pool.

    Raises:
        InputError: an input is absent or malformed, or no note is left to ask about.
    """
    if config.output and paths.is_remote(config.output):
        raise InputError("output: Prodigy reads a local file; give a local path")
    path = paths.resolve(config.store) if config.store else default_store()
    with AnnotationStore.open(path, create=True) as store:
        report = _existing_batch(config, store) or _new_batch(config, store)
        tasks = store.tasks(report["batch"])
        report |= {
            "tasks": len(tasks),
            "blind": sum(task.blind for task in tasks),
            "store": str(store.path),
            "output": paths.resolve(config.output) if config.output else None,
        }
        if report["output"]:
            export_tasks(
                store,
                report["batch"],
                report["output"],
                hold_seconds=config.hold_hours * 3600,
            )
    return report


def _existing_batch(config: SampleConfig, store: AnnotationStore) -> dict[str, Any] | None:
    """The batch that the configuration names, if it has open tasks already."""
    name = config.batch
    if name is None or all(one.batch != name for one in store.batches()):
        return None
    return {"batch": name, "new_tasks": 0} if store.tasks(name) else None


def _new_batch(config: SampleConfig, store: AnnotationStore) -> dict[str, Any]:
    pool = read_pool(config, store)
    if not len(pool.candidates):
        raise InputError(f"{config.notes}: no note is left to ask about: {_reasons(pool)}")
    store.add_to_pool(pool.candidates.encounter_ids)
    strategy = _strategy(config, pool.candidates)
    rows = choose(pool, strategy, config.limit, config.seed, config.near_duplicate_threshold)
    tasks = build_tasks(pool, rows, strategy, config.blind_fraction, config.seed)
    batch = config.batch or _batch_name(strategy, pool.model_version, tasks)
    prepared = store.prepare(batch, tasks, overlap=config.overlap)
    return {
        "batch": batch,
        "new_tasks": prepared.created,
        "strategy": strategy,
        "strategy_asked": config.strategy,
        "model_version": pool.model_version,
        "pool": len(pool.candidates),
        "left_out": pool.left_out,
        "disagreement_rate": disagreement_rate(pool.candidates),
    }


def choose(
    pool: Pool, strategy: str, limit: int, seed: int, near_duplicate_threshold: float
) -> NDArray[np.int64]:
    """Rows of the pool to ask about, best first, one of a near-duplicate group ahead of others."""
    from thce.notes.near_duplicates import groups

    shortlist = STRATEGIES[strategy].select(pool.candidates, SHORTLIST * limit, seed)
    texts = [pool.texts[row] for row in shortlist]
    candidates = pool.candidates.take(shortlist, groups(texts, near_duplicate_threshold))
    return shortlist[STRATEGIES[strategy].select(candidates, limit, seed)]


def build_tasks(
    pool: Pool, rows: NDArray[np.int64], strategy: str, blind_fraction: float, seed: int
) -> list[NewTask]:
    """The tasks of the chosen rows; the store keeps prefill and meta of the blind ones, too."""
    blind = _blind([pool.candidates.encounter_ids[row] for row in rows], blind_fraction, seed)
    return [
        NewTask(
            encounter_id=pool.candidates.encounter_ids[row],
            text=pool.texts[row],
            prefill=opinions.prefill,
            meta=opinions.meta(strategy, pool.model_version, pool.cpt_codes[row]),
            blind=bool(blind[position]),
        )
        for position, (row, opinions) in enumerate(
            zip(rows, opinions_of(pool.candidates, rows), strict=True)
        )
    ]


def _blind(encounter_ids: list[str], fraction: float, seed: int) -> NDArray[np.bool_]:
    """Exactly the rounded share of the tasks, drawn apart from their order in the batch."""
    drawn = np.argsort(seeded_keys(encounter_ids, seed, "blind"))
    blind = np.zeros(len(encounter_ids), dtype=bool)
    blind[drawn[: round(fraction * len(encounter_ids))]] = True
    return blind


def _strategy(config: SampleConfig, candidates: Candidates) -> StrategyName:
    if candidates.model is None and STRATEGIES[config.strategy].needs_model:
        return WITHOUT_MODEL
    return config.strategy


def _batch_name(strategy: str, model_version: str | None, tasks: list[NewTask]) -> str:
    content = "\0".join(
        [str(model_version), *(f"{task.encounter_id}{task.blind}" for task in tasks)]
    )
    return f"{strategy}-{sha256(content.encode()).hexdigest()[:8]}"


def _reasons(pool: Pool) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in pool.left_out.items()) or "empty"
