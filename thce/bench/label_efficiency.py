"""Label efficiency: every sampling strategy against random from the same starts.

The learner is by default a linear probe on words and not the fine-tuned encoder, since
an interval needs hundreds of courses, and the probe plays one in a fraction of a second. The
oracle answers with gold labels. Every strategy sees the same splits, the same notes answered at
the start and the same budget, so that differences are paired.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from thce.bench.label_curves import BASELINE, Curves, StrategyResult, summarise
from thce.config import Config
from thce.errors import InputError
from thce.evaluation.intervals import Interval
from thce.files import write_jsonl
from thce.paths import is_remote, resolve
from thce.registry.loop import WarmStart
from thce.registry.sample import StrategyName
from thce.registry.train import Recipe

Signals = Literal["form and codes", "form, codes and keywords"]
PoolKind = Literal["as given", "skewed"]
SIGNALS: tuple[Signals, ...] = ("form and codes", "form, codes and keywords")
POOLS: tuple[PoolKind, ...] = ("as given", "skewed")


@dataclass(frozen=True)
class Setting:
    """What one comparison of all strategies was made on.

    Attributes:
        pool: the notes to choose from, as they are or with some flags made rare.
        signals: what labels unanswered notes and stands against the model.
    """

    pool: PoolKind
    signals: Signals


class LabelEfficiencyConfig(Config):
    """Which notes, which strategies, how many labels and how often.

    Attributes:
        notes: files, folders or globs of notes with gold labels (`accept`).
        output: local folder for the report and the figures.
        strategies: compared with random, which is always among them.
        signals: what labels unanswered notes and stands against the model: form and codes, and
            optionally the keyword rules. Rules that were written on the same notes are right far
            too often there; on such notes only the first is an honest figure.
        pools: the pool of each split as it is, and with `rare_flags` flags drawn at random thinned
            to `rare_positives` positives each (`thce.bench.label_notes.thin_pool`).
        rare_flags: flags that a skewed pool makes rare.
        rare_positives: positives it leaves of each.
        splits: random splits into pool and test.
        seeds: starts on each split.
        test_share: of the notes.
        start: notes answered before the first model, drawn at random, the same for all.
        batch: notes asked about in each round.
        rounds: after the first model.
        processes: of `probe`, that play splits side by side; figures do not depend on them.
        seed: of splits, starts, ties and bootstrap.
        learner: `probe`, or `finetune` for the loop as it is (`thce.bench.label_finetune`), which
            knows keywords always, takes the pool as given and has one start per split: `signals`,
            `pools` and `seeds` say nothing.
        recipe: of `finetune`, how its first model learns.
        warm: of `finetune`, what changes in later rounds.
        corpus: the notes in words, for the report.
        fictional: whether the notes are made up, for the report.
        reviewed_by_clinician: whether a clinician reviewed the gold labels, for the report.
    """

    notes: list[str] = Field(min_length=1)
    output: str
    strategies: list[StrategyName] = Field(
        default=["disagreement", "uncertainty", "random", "rare_boost", "hybrid"], min_length=1
    )
    signals: list[Signals] = Field(default=list(SIGNALS), min_length=1)
    pools: list[PoolKind] = Field(default=list(POOLS), min_length=1)
    rare_flags: int = Field(14, ge=1, le=29)
    rare_positives: int = Field(4, ge=1)
    splits: int = Field(10, ge=1)
    seeds: int = Field(5, ge=1)
    test_share: float = Field(0.3, gt=0, lt=1)
    start: int = Field(20, ge=5)
    batch: int = Field(5, ge=1)
    rounds: int = Field(10, ge=1)
    processes: int = Field(1, ge=1)
    seed: int = 42
    learner: Literal["probe", "finetune"] = "probe"
    recipe: Recipe = Recipe()
    warm: WarmStart = WarmStart()
    corpus: str = "the given notes"
    fictional: bool = False
    reviewed_by_clinician: bool = False

    @model_validator(mode="after")
    def _random_is_the_baseline(self) -> "LabelEfficiencyConfig":
        if BASELINE not in self.strategies:
            raise ValueError("strategies: random is the baseline; list it among them")
        return self


def run(config: LabelEfficiencyConfig) -> dict[str, Any]:
    """Runs every course and writes report.html and results.jsonl.

    Returns:
        `results`, one dict per strategy and setting, and the path of the `report`.

    Raises:
        InputError: the notes are unusable, or too few for the budget.
    """
    from thce.bench.label_report import write_report

    if is_remote(config.output):
        raise InputError("output: the bench writes to a local folder")
    folder = Path(resolve(config.output))
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    found = _courses(config, folder)
    seconds = round(time.perf_counter() - started, 1)
    results = {setting: summarise(curves, seed=config.seed) for setting, curves in found.items()}
    rows = [
        _row(config, setting, one, found[setting]) | {"seconds": seconds}
        for setting, part in results.items()
        for one in part
    ]
    write_jsonl(folder / "results.jsonl", rows)
    report = write_report(config, found, results, folder / "report.html")
    return {"results": rows, "report": str(report)}


def _courses(config: LabelEfficiencyConfig, folder: Path) -> dict[Setting, Curves]:
    if config.learner == "finetune":
        from thce.bench.label_finetune import finetuned_courses

        return {Setting("as given", SIGNALS[1]): finetuned_courses(config, folder)}
    from thce.bench.label_courses import probed_courses

    return probed_courses(config, folder)


def _row(
    config: LabelEfficiencyConfig, setting: Setting, one: StrategyResult, curves: Curves
) -> dict[str, Any]:
    """One strategy's figures as a line of JSON; null where a target was never reached."""

    def listed(interval: Interval) -> list[float | None]:
        values = (interval.estimate, interval.low, interval.high)
        return [round(value, 4) if np.isfinite(value) else None for value in values]

    splits, seeds = curves.scores.shape[:2]
    return {
        "bench": "label_efficiency",
        "learner": config.learner,
        "pool": setting.pool,
        "signals": setting.signals,
        "strategy": one.strategy,
        "labels_to_random_final": listed(one.labels),
        "share_of_random_labels": listed(one.share),
        **{f"area_{name}": listed(value) for name, value in one.area.items()},
        **{f"area_{name}_less_random": listed(value) for name, value in one.gain.items()},
        **{f"final_{name}": listed(value) for name, value in one.final.items()},
        "budget": int(curves.spent[-1]),
        "splits": splits,
        "seeds": seeds,
    }
