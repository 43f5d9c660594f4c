"""The threshold sweep: no note is judged by what saw it, and chance replaces no policy."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_training import write_dataset

from thce.config import load
from thce.errors import InputError
from thce.registry.dataset import read_split
from thce.registry.export import ExportConfig
from thce.registry.labels import N_FLAGS, TRUE, UNKNOWN
from thce.registry.thresholds import ThresholdPolicy, apply, fit
from thce.tune.policies import group_folds, held_out, policies_of
from thce.tune.thresholds import ThresholdSweepConfig, run

NO_POSITIVES = np.zeros(N_FLAGS, dtype=int)


@given(
    count=st.integers(2, 14),
    seed=st.integers(0, 10_000),
    miss=st.sampled_from([0.5, 1.0, 3.0]),
)
@settings(max_examples=40, deadline=None)
def test_no_threshold_and_no_silence_is_cheaper_than_the_one_of_least_cost(
    count: int, seed: int, miss: float
) -> None:
    rng = np.random.default_rng(seed)
    score = rng.choice(np.linspace(0, 1, 7), size=(count, N_FLAGS)).astype(np.float32)
    label = rng.choice([0, 1, UNKNOWN], size=score.shape).astype(np.int8)
    policy = ThresholdPolicy(objective="cost", miss_cost=miss, few_positives=0)
    predicted = apply(score, fit(score, label, policy))
    known = label != UNKNOWN
    for flag in range(N_FLAGS):
        truth, scores = label[known[:, flag], flag] == TRUE, score[known[:, flag], flag]
        cuts = [scores >= cut for cut in (*np.unique(scores), 2.0)]
        costs = [(cut & ~truth).sum() + miss * (~cut & truth).sum() for cut in cuts]
        ours = predicted[known[:, flag], flag]
        cost = (ours & ~truth).sum() + miss * (~ours & truth).sum()
        assert cost == pytest.approx(min(costs))


def test_a_grid_gives_every_combination_once() -> None:
    found = policies_of(
        [
            {"objective": ["f1"], "prior_positives": [1.0, 3.0]},
            {"objective": ["f1", "fbeta"], "prior_positives": [1.0]},
        ]
    )
    assert [(one.objective, one.prior_positives) for one in found] == [
        ("f1", 1.0),
        ("f1", 3.0),
        ("fbeta", 1.0),
    ]


@pytest.mark.parametrize("grid", [{"objectif": ["f1"]}, {"beta": [-1.0]}, {"objective": ["auc"]}])
def test_a_wrong_grid_is_named(grid: dict[str, list[Any]]) -> None:
    with pytest.raises(InputError, match=f"grids.1.{next(iter(grid))}"):
        policies_of([{"objective": ["f1"]}, grid])


@given(seed=st.integers(0, 1000), folds=st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_folds_keep_groups_whole_and_do_not_depend_on_the_order(seed: int, folds: int) -> None:
    rng = np.random.default_rng(seed)
    groups = [f"g{number}" for number in rng.integers(0, 12, size=60)] + ["a", "b", "c", "d", "e"]
    fold = group_folds(groups, folds, seed, 0)
    assert len({(group, one) for group, one in zip(groups, fold, strict=True)}) == len(set(groups))
    assert set(fold) == set(range(folds))
    order = rng.permutation(len(groups))
    again = group_folds([groups[position] for position in order], folds, seed, 0)
    assert (again == fold[order]).all()


def test_too_few_groups_for_the_folds() -> None:
    with pytest.raises(InputError, match="folds: 5 folds of 2 groups"):
        group_folds(["a", "b", "a"], 5, 42, 0)


def test_no_note_has_a_say_in_how_it_is_judged() -> None:
    rng = np.random.default_rng(3)
    label = (rng.random((40, N_FLAGS)) < 0.3).astype(np.int8)
    scores = np.clip(0.3 * label + rng.random(label.shape) * 0.7, 0, 1).astype(np.float32)
    folds = [group_folds([str(number) for number in range(40)], 4, 1, 0)]

    def predicted(cells: np.ndarray) -> np.ndarray:
        counts = held_out(ThresholdPolicy(), scores, cells, folds, NO_POSITIVES)
        return (counts[:, 0] + counts[:, 1]).astype(bool)

    before = predicted(label)
    for note in range(0, 40, 7):
        turned = label.copy()
        turned[note] = 1 - turned[note]
        assert (predicted(turned)[note] == before[note]).all()
        assert (predicted(turned) != before).any()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, registry_data: Path) -> str:
    return write_dataset(tmp_path_factory.mktemp("sweep"), registry_data)


@pytest.fixture
def trained(dataset: str, tmp_path: Path) -> Path:
    """A training's validation scores: better than chance, on a scale of each flag's own."""
    validation = read_split(dataset, "val")
    rng = np.random.default_rng(0)
    raw = rng.normal(size=validation.label.shape) + 2.5 * (validation.label == TRUE)
    scale, shift = rng.uniform(1, 3, N_FLAGS), rng.uniform(-4, 0, N_FLAGS)
    np.savez(
        tmp_path / "validation.npz",
        encounter_ids=np.asarray(validation.encounter_ids),
        label=validation.label,
        probabilities=(1 / (1 + np.exp(-(scale * raw + shift)))).astype(np.float32),
    )
    return tmp_path


def _sweep(trained: Path, dataset: str, **fields: Any) -> dict[str, Any]:
    given = {"model": str(trained), "dataset": dataset, "output": str(trained / "sweep")}
    return run(ThresholdSweepConfig(**(given | {"repeats": 1} | fields)))


def test_a_policy_that_is_clearly_better_replaces_the_reference_and_exports(
    trained: Path, dataset: str
) -> None:
    reference = ThresholdPolicy(objective="precision_floor", precision=1.0)
    grids = ({"objective": ["f1"], "prior_positives": [1.0, 3.0]},)
    found = _sweep(trained, dataset, grids=grids, reference=reference)
    assert found["replaced_reference"] and found["chosen"].startswith("f1")
    best, *_, worst = found["policies"]
    assert best["name"] == found["chosen"] and worst["p_adjusted"] is None
    assert best["difference"]["low"] > 0 and best["p_adjusted"] <= 0.05
    exported = load(ExportConfig, found["policy"], ["model=m", "dataset=d", "output=o"])
    assert exported.thresholds == ThresholdPolicy(**best["policy"])


def test_differences_that_chance_explains_leave_the_reference(trained: Path, dataset: str) -> None:
    found = _sweep(trained, dataset, grids=({"prior_positives": [1.1, 1.2, 0.9]},))
    assert not found["replaced_reference"]
    exported = load(ExportConfig, found["policy"], ["model=m", "dataset=d", "output=o"])
    assert exported.thresholds == ThresholdPolicy()
    swept = json.loads((trained / "sweep" / "sweep.json").read_text())
    assert len(swept["policies"]) == 4 and swept["config"]["seed"] == 42


def test_by_cost_a_policy_of_that_cost_beats_one_of_precision(trained: Path, dataset: str) -> None:
    found = _sweep(
        trained,
        dataset,
        grids=({"objective": ["cost"], "miss_cost": [10.0]},),
        reference=ThresholdPolicy(objective="precision_floor", precision=0.95),
        metric="cost",
        miss_cost=10.0,
    )
    assert found["chosen"].startswith("cost:10.0") and found["replaced_reference"]


def test_the_same_sweep_twice_is_the_same(trained: Path, dataset: str) -> None:
    grids = ({"objective": ["f1", "cost"]},)
    assert _sweep(trained, dataset, grids=grids) == _sweep(trained, dataset, grids=grids)


def test_only_the_reference_is_nothing_to_compare(trained: Path, dataset: str) -> None:
    with pytest.raises(InputError, match="nothing but the reference"):
        _sweep(trained, dataset, grids=({"objective": ["f1"]},))


def test_the_shipped_configuration_is_valid(repository: Path) -> None:
    config = load(ThresholdSweepConfig, repository / "configs" / "tune" / "thresholds.yaml")
    assert len(policies_of(config.grids)) == 18
