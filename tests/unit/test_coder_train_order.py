"""The order of training: every example once, every mean weighed right, whatever the workers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from thce.coder.batch_order import EpochOrder, PlannedBatches, planned_loader
from thce.coder.encode import IGNORED, Encoded, EncodedPair
from thce.training.batches import BatchPlan

SIZES = {
    "examples": some.integers(1, 40),
    "batch": some.integers(1, 12),
    "micro": some.integers(1, 5),
    "workers": some.integers(1, 4),
}


def plan_of(examples: int, batch: int, micro: int) -> BatchPlan:
    return BatchPlan([1 + n % 7 for n in range(examples)], min(batch, examples), micro, seed=3)


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_all_workers_together_see_every_example_once(
    examples: int, batch: int, micro: int, workers: int
) -> None:
    plan = plan_of(examples, batch, micro)
    sides = [list(PlannedBatches(plan, rank, workers)) for rank in range(workers)]
    assert {len(side) for side in sides} == {len(PlannedBatches(plan, 0, workers))}
    seen = [position for side in sides for part in side for position, _ in part]
    assert sorted(seen) == list(range(examples))
    assert max(len(part) for side in sides for part in side) <= micro


@settings(max_examples=60, deadline=None)
@given(**SIZES)
def test_weighed_means_of_micro_batches_are_the_mean_of_the_step(
    examples: int, batch: int, micro: int, workers: int
) -> None:
    plan = plan_of(examples, batch, micro)
    slots = plan.micro_batches(workers)
    sides = [list(PlannedBatches(plan, rank, workers)) for rank in range(workers)]
    for step, batch_positions in enumerate(plan.epoch(0)):
        expected = sum(map(int, batch_positions)) / len(batch_positions)
        parts = [part for side in sides for part in side[step * slots : (step + 1) * slots]]
        means = [
            sum(position for position, _ in part) / len(part) * part[0][1] for part in parts if part
        ]
        assert sum(means) / (slots * workers) == pytest.approx(expected)


def collate(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rows": rows}


def test_a_batch_says_what_it_holds_and_an_empty_one_teaches_nothing() -> None:
    examples = [Encoded([5, 6, 7, 8], 3), Encoded([5, 9], 1), Encoded([5, 6, 9], 1)]
    batches = PlannedBatches(BatchPlan([4, 2, 3], 3, 1, seed=0), 1, 2)
    full, empty = list(planned_loader(batches, examples, collate, 0, False))
    assert (full["tally"].examples, full["tally"].share) == (1, pytest.approx(4 / 3))
    assert full["tally"].squares == full["tally"].tokens ** 2
    assert (empty["tally"].examples, empty["tally"].tokens, empty["tally"].share) == (0, 0, 0.0)
    assert set(empty["rows"][0]["labels"]) == {IGNORED}


def test_a_pair_counts_both_its_sequences() -> None:
    batches = PlannedBatches(BatchPlan([9], 1, 1, seed=0), 0, 1)
    (batch,) = planned_loader(batches, [EncodedPair([1, 2], [3], [4, 5])], collate, 0, False)
    tally = batch["tally"]
    assert (tally.tokens, tally.scored, tally.squares) == (7, 3, 9 + 16)
    assert batch["rows"] == [{"prompt_ids": [1, 2], "chosen_ids": [3], "rejected_ids": [4, 5]}]


def test_a_loader_that_goes_on_skips_what_was_trained() -> None:
    from accelerate import skip_first_batches

    examples = [Encoded([n, n], 1) for n in range(10)]
    batches = PlannedBatches(BatchPlan([2] * 10, 4, 2, seed=1), 0, 1)
    state = type("State", (), {"epoch": 2.4})
    EpochOrder(batches).on_epoch_begin(None, state, None)
    loader = planned_loader(batches, examples, collate, 0, False)
    whole = [batch["rows"] for batch in loader]
    assert [batch["rows"] for batch in skip_first_batches(loader, 3)] == whole[3:]
    assert whole != [
        batch["rows"]
        for batch in planned_loader(PlannedBatches(batches.plan, 0, 1), examples, collate, 0, False)
    ]
