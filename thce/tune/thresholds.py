"""Which threshold policy does best on notes it was not fitted on, and whether that is chance.

Every policy is fitted on the validation scores that training stored, one fold of notes left out
at a time, and judged on that fold, so that no note is judged by a threshold that saw it. The best
policy replaces the reference only where a paired test, corrected for having tried them all, says
that it is better; else the reference stays.
"""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.evaluation.comparison import holm, randomisation_test
from thce.evaluation.intervals import Contributions, Interval, Statistic, bootstrap
from thce.evaluation.multilabel import FN, FP, TP, macro_f1, micro_f1, nan_to_none
from thce.files import write_json, write_text
from thce.paths import resolve
from thce.registry.dataset import read_split
from thce.registry.export import validation_notes
from thce.registry.labels import TRUE
from thce.registry.thresholds import ThresholdPolicy
from thce.tune.policies import group_folds, held_out, named, policies_of

POLICY_FILE, SWEEP_FILE = "policy.yaml", "sweep.json"


class ThresholdSweepConfig(Config):
    """What is compared, and how.

    Attributes:
        model: the folder that training wrote; its validation scores are used.
        dataset: the dataset it was trained on.
        output: folder of `policy.yaml`, which `thce registry export --config` takes, and of
            `sweep.json`.
        grids: each a mapping of fields of a policy to the values tried; all combinations count.
        reference: the policy that stays unless another is better.
        metric: macro_f1, micro_f1, or cost: false alarms and `miss_cost` times misses, per true
            flag.
        miss_cost: false alarms that a miss is worth; of the metric alone.
        folds: folds of notes, near-duplicates together.
        repeats: how often the notes are dealt into folds anew; counts are averaged.
        alpha: the corrected p-value from which on another policy replaces the reference.
        seed: of folds, resampling and swapping.
    """

    model: str
    dataset: str
    output: str
    grids: tuple[dict[str, list[Any]], ...] = Field(min_length=1)
    reference: ThresholdPolicy = ThresholdPolicy()
    metric: Literal["macro_f1", "micro_f1", "cost"] = "macro_f1"
    miss_cost: float = Field(default=5.0, gt=0)
    folds: int = Field(default=5, ge=2)
    repeats: int = Field(default=3, ge=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    seed: int = 42


def run(config: ThresholdSweepConfig) -> dict[str, Any]:
    """Compares the policies and writes the one to export with.

    Returns:
        The chosen policy, the metric of every policy with its interval, its difference from the
        reference with interval and corrected p-value, best first, and where the files lie.

    Raises:
        InputError: training, dataset or a grid is wrong, or there are too few notes.
    """
    trained, output = Path(resolve(config.model)), Path(resolve(config.output))
    validation = validation_notes(trained, config.dataset)
    with np.load(trained / "validation.npz", allow_pickle=False) as arrays:
        probabilities = arrays["probabilities"]
    train_positives = (read_split(config.dataset, "train").label == TRUE).sum(axis=0)
    groups = validation.groups
    folds = [
        group_folds(groups, config.folds, config.seed, repeat) for repeat in range(config.repeats)
    ]
    candidates = [
        policy for policy in policies_of(config.grids) if named(policy) != named(config.reference)
    ]
    if not candidates:
        raise InputError("grids: nothing but the reference in them; give values to compare")
    judged = [
        held_out(policy, probabilities, validation.label, folds, train_positives)
        for policy in (config.reference, *candidates)
    ]
    rows = _compared(config, candidates, judged, groups)
    best = max(rows[1:], key=lambda row: row["value"]["estimate"])
    better = best["difference"]["estimate"] > 0 and best["p_adjusted"] <= config.alpha
    chosen = best if better else rows[0]
    write_text(
        output / POLICY_FILE,
        f"# {chosen['name']}, chosen by `thce tune thresholds` from {len(rows)} policies on "
        f"{len(groups)} notes\n"
        f"# of {config.model}; see {SWEEP_FILE}\n"
        + yaml.safe_dump({"thresholds": chosen["policy"]}, sort_keys=False),
    )
    report = {
        "chosen": chosen["name"],
        "replaced_reference": better,
        "metric": config.metric,
        "notes": len(groups),
        "policies": sorted(rows, key=lambda row: -row["value"]["estimate"]),
        "policy": str(output / POLICY_FILE),
    }
    write_json(output / SWEEP_FILE, report | {"config": config.model_dump(mode="json")})
    return report


def _compared(
    config: ThresholdSweepConfig,
    candidates: list[ThresholdPolicy],
    judged: list[Contributions],
    groups: list[str],
) -> list[dict[str, Any]]:
    """A row per policy, the reference first; more is better, so cost counts negative."""
    statistic = _statistic(config)
    rows: list[dict[str, Any]] = []
    p_values: list[float] = []
    for policy, counts in zip((config.reference, *candidates), judged, strict=True):
        both = np.stack([counts, judged[0]], axis=1)
        found = bootstrap(
            both,
            {"value": lambda sums: statistic(sums[:, 0]), "difference": _less(statistic)},
            groups=groups,
            seed=config.seed,
        )
        tested = randomisation_test(both, {"it": statistic}, groups=groups, seed=config.seed)
        p_values.append(tested["it"])
        rows.append(
            {"name": named(policy), "policy": policy.model_dump(mode="json")}
            | {name: _interval(interval) for name, interval in found.items()}
        )
    for row, p_value in zip(rows, [None, *holm(p_values[1:])], strict=True):
        row["p_adjusted"] = p_value
    return rows


def _statistic(config: ThresholdSweepConfig) -> Statistic:
    if config.metric == "cost":
        return _negative_cost(config.miss_cost)
    return macro_f1 if config.metric == "macro_f1" else micro_f1


def _negative_cost(miss: float) -> Statistic:
    def statistic(counts: NDArray[np.float64]) -> NDArray[np.float64]:
        true_positive, false_positive, missed = (
            counts[..., kind, :].sum(axis=-1) for kind in (TP, FP, FN)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return -(false_positive + miss * missed) / (true_positive + missed)

    return statistic


def _less(statistic: Statistic) -> Statistic:
    return lambda sums: statistic(sums[:, 0]) - statistic(sums[:, 1])


def _interval(interval: Interval) -> dict[str, Any]:
    found = {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
    return dict(nan_to_none(found))
