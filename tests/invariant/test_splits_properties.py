"""Laws of the split: a partition, pure groups, no dependence on row order, balanced flags."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.registry.labels import N_FLAGS, TRUE
from thce.registry.splits import EXCLUDED, SPLITS, assign


@st.composite
def pools(draw):
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.choice(np.array([-1, 0, 1], dtype=np.int8), p=[0.3, 0.55, 0.15], size=(n, N_FLAGS))
    groups = rng.integers(0, draw(st.integers(1, n)), n)
    ids = [f"e{number:03}" for number in rng.permutation(n)]
    return ids, labels, groups


def frozen_of(draw, ids):
    splits = st.sampled_from([*SPLITS, EXCLUDED])
    return draw(st.dictionaries(st.sampled_from(ids), splits, max_size=len(ids)))


@given(pools(), st.integers(0, 5))
@settings(max_examples=80, deadline=None)
def test_every_note_has_one_split_and_every_group_is_whole(pool, seed):
    ids, labels, groups = pool
    found = assign(ids, labels, groups, seed=seed)
    assert set(found) == set(ids)
    assert set(found.values()) <= set(SPLITS)
    for group in set(groups.tolist()):
        members = [name for name, own in zip(ids, groups, strict=True) if own == group]
        assert len({found[name] for name in members}) == 1


@given(pools(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_row_order_and_group_numbers_do_not_matter(pool, shuffler):
    ids, labels, groups = pool
    order = list(range(len(ids)))
    shuffler.shuffle(order)
    renumbered = (groups.max() - groups) * 7 + 3
    again = assign([ids[row] for row in order], labels[order], renumbered[order])
    assert again == assign(ids, labels, groups)


@given(pools(), st.data())
@settings(max_examples=80, deadline=None)
def test_no_group_spans_splits_whatever_was_frozen_and_test_never_loses_a_note(pool, data):
    ids, labels, groups = pool
    frozen = frozen_of(data.draw, ids)
    found = assign(ids, labels, groups, frozen=frozen)
    for group in set(groups.tolist()):
        members = [name for name, own in zip(ids, groups, strict=True) if own == group]
        assert len({found[name] for name in members} - {EXCLUDED}) <= 1
    for name, split in frozen.items():
        assert found[name] in (split, EXCLUDED)
        if split == "test":
            assert found[name] == "test"


def imbalance(splits, labels):
    """Mean distance of each split's share of a flag's positives from its due, over flags."""
    positives = (labels == TRUE).sum(axis=0)
    shares = [
        (labels[splits == split] == TRUE).sum(axis=0) / np.maximum(positives, 1) for split in SPLITS
    ]
    due = np.array([[0.70], [0.15], [0.15]])
    return float(np.abs(np.array(shares) - due)[:, positives > 0].mean())


def test_flags_are_shared_out_far_more_evenly_than_at_random():
    stratified, random = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rates = rng.uniform(0.01, 0.2, N_FLAGS)
        labels = (rng.random((300, N_FLAGS)) < rates).astype(np.int8)
        groups = np.minimum(np.arange(300), rng.integers(0, 300, 300))
        ids = [f"e{row}" for row in range(300)]
        found = assign(ids, labels, groups, seed=seed)
        stratified.append(imbalance(np.array([found[name] for name in ids]), labels))
        shuffled = rng.permutation(np.repeat(SPLITS, [210, 45, 45]))
        random.append(imbalance(shuffled, labels))
    assert np.mean(stratified) < 0.6 * np.mean(random)
