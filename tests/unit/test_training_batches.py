"""The plan of batches: everything once, the same for any number of workers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from thce.training.batches import BatchPlan

plans = st.builds(
    BatchPlan,
    lengths=st.lists(st.integers(1, 512), min_size=1, max_size=90),
    global_batch=st.integers(1, 17),
    micro_batch=st.integers(1, 5),
    seed=st.integers(0, 9),
)


@given(plans, st.integers(0, 3))
def test_an_epoch_holds_every_example_once(plan: BatchPlan, epoch: int) -> None:
    batches = plan.epoch(epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(plan.lengths)))
    assert len(batches) == plan.steps_per_epoch


@given(plans, st.integers(1, 4))
def test_workers_share_a_batch_without_loss_or_overlap(plan: BatchPlan, workers: int) -> None:
    for batch in plan.epoch(0):
        shares = [plan.share(batch, rank, workers) for rank in range(workers)]
        dealt = [index for share in shares for part in share for index in part.tolist()]
        assert sorted(dealt) == sorted(batch.tolist())
        assert {len(share) for share in shares} == {plan.micro_batches(workers)}
        assert all(len(part) <= plan.micro_batch for share in shares for part in share)


def test_epochs_differ_and_repeat_with_the_seed() -> None:
    plan = BatchPlan(list(range(1, 65)), 8, 8, seed=42)
    again = BatchPlan(list(range(1, 65)), 8, 8, seed=42)
    first, second = plan.epoch(0), plan.epoch(1)
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again.epoch(0)]
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in second]


def test_batches_hold_notes_of_similar_length() -> None:
    lengths = np.random.default_rng(0).integers(10, 512, 512)
    plan = BatchPlan(lengths.tolist(), 8, 8, seed=1)
    padded = sum(len(batch) * lengths[batch].max() for batch in plan.epoch(0))
    shuffled = np.random.default_rng(1).permutation(512).reshape(-1, 8)
    padded_at_random = sum(8 * lengths[batch].max() for batch in shuffled)
    assert padded < 0.8 * padded_at_random
