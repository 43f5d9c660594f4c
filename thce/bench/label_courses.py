"""All courses of the linear probe, spread over processes: one task is one split of one setting."""

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from thce.bench.child_threads import child_threads
from thce.bench.label_curves import Curves
from thce.bench.label_efficiency import SIGNALS, LabelEfficiencyConfig, Setting
from thce.bench.label_notes import arena_of, notes_of, read_labelled, split_notes, thin_pool
from thce.bench.label_rounds import Budget, Floats, Notes, Rows, run_course
from thce.errors import InputError
from thce.progress import say
from thce.registry.strategies import STRATEGIES


@dataclass(frozen=True)
class Task:
    """One split of one setting, with all that a process needs to play every course on it.

    Attributes:
        setting: what it belongs to.
        split: its number, from 0.
        notes: all of them.
        texts: the same, prepared.
        pool: rows that may be asked about and learned from.
        test: rows that judge.
    """

    setting: Setting
    split: int
    notes: Notes
    texts: Sequence[str]
    pool: Rows
    test: Rows


def probed_courses(config: LabelEfficiencyConfig, folder: Path) -> dict[Setting, Curves]:
    """The scores of all courses, by setting.

    They are always played in processes of their own with one thread each, however many there are:
    sums in another order could move a score in its last bit, and with it what a strategy chooses.

    Raises:
        InputError: the notes are unusable, or too few for the budget.
    """
    budget = Budget(config.start, config.batch, config.rounds)
    tasks = list(_tasks(config, budget, folder))
    shape = (config.splits, config.seeds, len(config.strategies), 2, config.rounds + 1)
    scores = {task.setting: np.empty(shape) for task in tasks}
    context = multiprocessing.get_context("spawn")
    with child_threads(1), ProcessPoolExecutor(config.processes, context) as processes:
        played = processes.map(partial(_play, config, budget), tasks)
        for task, found in zip(tasks, played, strict=True):
            scores[task.setting][task.split] = found
            done = f"split {task.split + 1} of {config.splits}"
            where = f"pool {task.setting.pool}, {task.setting.signals}"
            say("bench loop", f"{where}: {done}")
    strategies = tuple(config.strategies)
    return {setting: Curves(strategies, budget.spent, found) for setting, found in scores.items()}


def _tasks(config: LabelEfficiencyConfig, budget: Budget, folder: Path) -> Iterator[Task]:
    table = read_labelled(config.notes, folder)
    texts = table["text"].to_pylist()
    for signals in config.signals:
        notes = notes_of(table, keywords=signals == SIGNALS[1])
        for kind in config.pools:
            setting = Setting(kind, signals)
            for split in range(config.splits):
                seed = config.seed + split
                pool, test = split_notes(notes, config.test_share, seed)
                if kind == "skewed":
                    pool = thin_pool(notes, pool, config.rare_flags, config.rare_positives, seed)
                _require_enough(setting, len(pool), budget)
                yield Task(setting, split, notes, texts, pool, test)


def _play(config: LabelEfficiencyConfig, budget: Budget, task: Task) -> Floats:
    """Every strategy from every start: (seeds, strategies, 2, rounds + 1) micro and macro F1."""
    arena = arena_of(task.notes, task.texts, (task.pool, task.test))
    seeds = [config.seed + 100 * task.split + start for start in range(config.seeds)]
    return np.array(
        [
            [run_course(arena, STRATEGIES[name], budget, seed) for name in config.strategies]
            for seed in seeds
        ]
    )


def _require_enough(setting: Setting, pool: int, budget: Budget) -> None:
    if pool < budget.spent[-1]:
        raise InputError(
            f"notes: the pool ({setting.pool}) holds {pool} notes, the budget is "
            f"{budget.spent[-1]}; give more notes, or fewer rounds or a smaller batch"
        )
