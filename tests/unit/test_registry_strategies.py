import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.registry.candidates import (
    Candidates,
    ModelView,
    counted_disagreements,
    disagreement_rate,
)
from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN, Flag
from thce.registry.strategies import STRATEGIES

BAL, IPC = Flag.BAL.position, Flag.IPC.position


def pool(n, seed=0, groups=None):
    draw = np.random.default_rng(seed)
    probabilities = draw.random((n, N_FLAGS)) ** 4
    thresholds = np.full(N_FLAGS, 0.4)
    cells = np.array([UNKNOWN, FALSE, TRUE], dtype=np.int8)
    return Candidates(
        encounter_ids=[f"n{row:05}" for row in range(n)],
        deterministic=draw.choice(cells, p=[0.3, 0.6, 0.1], size=(n, N_FLAGS)),
        cpt=draw.choice(cells[[0, 2]], p=[0.9, 0.1], size=(n, N_FLAGS)),
        label_counts=draw.integers(0, 30, N_FLAGS),
        model=ModelView(probabilities, thresholds, probabilities >= thresholds),
        groups=groups,
    )


def quiet_pool(n):
    """Notes on which nobody says anything but a sure no."""
    low = np.full((n, N_FLAGS), 0.01)
    return Candidates(
        encounter_ids=[f"n{row:02}" for row in range(n)],
        deterministic=np.full((n, N_FLAGS), FALSE, dtype=np.int8),
        cpt=np.full((n, N_FLAGS), UNKNOWN, dtype=np.int8),
        label_counts=np.zeros(N_FLAGS, dtype=int),
        model=ModelView(low, np.full(N_FLAGS, 0.5), low > 0.5),
    )


def test_disagreement_counts_only_where_both_sides_can_speak():
    candidates = quiet_pool(4)
    candidates.model.accept[0, BAL] = True  # against a deterministic no
    candidates.model.accept[1, BAL] = True  # against silence
    candidates.deterministic[1, BAL] = UNKNOWN
    candidates.deterministic[2, IPC] = TRUE  # the model says no, but is dormant there
    candidates.model.thresholds[IPC] = np.inf
    candidates.deterministic[3, BAL] = TRUE  # the model misses it
    assert counted_disagreements(candidates).sum(axis=1).tolist() == [1, 0, 0, 1]
    rate = disagreement_rate(candidates)
    assert rate["notes"] == 0.5
    assert rate["flags"][Flag.BAL] == pytest.approx(2 / 3)
    assert rate["flags"][Flag.BRUSHINGS] == 0
    assert rate["flags"][Flag.IPC] is None


def test_disagreement_asks_about_the_most_disputed_note_first():
    candidates = quiet_pool(10)
    candidates.deterministic[7, [BAL, IPC]] = TRUE
    candidates.deterministic[3, BAL] = TRUE
    assert STRATEGIES["disagreement"].select(candidates, 2, 42).tolist() == [7, 3]


def test_uncertainty_asks_about_the_note_at_its_thresholds_first():
    candidates = quiet_pool(10)
    candidates.model.thresholds[BAL] = 0.2
    candidates.model.probabilities[4, BAL] = 0.2
    candidates.model.probabilities[5, BAL] = 0.99
    assert STRATEGIES["uncertainty"].select(candidates, 1, 42).tolist() == [4]


def test_uncertainty_prefers_many_flags_in_doubt_to_one_at_its_threshold():
    candidates = quiet_pool(10)
    candidates.model.probabilities[3, BAL] = candidates.model.thresholds[BAL]
    candidates.model.probabilities[8, :6] = 0.6 * candidates.model.thresholds[:6]
    assert STRATEGIES["uncertainty"].select(candidates, 2, 42).tolist() == [8, 3]


def test_uncertainty_ignores_flags_on_which_the_model_abstains():
    candidates = quiet_pool(10)
    candidates.model.thresholds[IPC] = np.inf
    candidates.model.probabilities[4, IPC] = 0.5
    candidates.model.probabilities[6, BAL] = 0.3
    assert STRATEGIES["uncertainty"].select(candidates, 1, 42).tolist() == [6]


def test_rare_boost_asks_about_the_rare_flag_and_then_moves_on():
    candidates = quiet_pool(9)
    candidates.label_counts[:] = 50
    candidates.label_counts[[BAL, IPC]] = 0, 1
    candidates.deterministic[:4, BAL] = TRUE
    candidates.cpt[4:6, IPC] = TRUE
    chosen = STRATEGIES["rare_boost"].select(candidates, 3, 42).tolist()
    assert chosen[0] < 4, "the rarest flag first"
    assert sum(row < 4 for row in chosen) == 2, "then one more of it and one of the next"
    assert sum(4 <= row < 6 for row in chosen) == 1


def test_hybrid_mixes_its_parts_in_every_beginning_of_the_batch():
    candidates = pool(2000)
    chosen = STRATEGIES["hybrid"].select(candidates, 100, 42).tolist()
    doubtful = set(STRATEGIES["uncertainty"].select(candidates, 100, 42).tolist())
    rare = set(STRATEGIES["rare_boost"].select(candidates, 100, 42).tolist())
    for size in (10, 20, 100):
        assert len(doubtful & set(chosen[:size])) >= 0.5 * size - 1
        assert len(rare & set(chosen[:size])) >= 0.4 * size - 1


@pytest.mark.parametrize("name", [*STRATEGIES])
def test_random_part_differs_by_seed_and_the_same_seed_repeats(name):
    candidates = pool(300)
    strategy = STRATEGIES[name]
    assert (strategy.select(candidates, 50, 1) == strategy.select(candidates, 50, 1)).all()
    if name in ("random", "hybrid"):
        assert (strategy.select(candidates, 50, 1) != strategy.select(candidates, 50, 2)).any()


@pytest.mark.parametrize("name", [*STRATEGIES])
@given(st.integers(0, 100), st.integers(1, 60), st.integers(1, 70), st.booleans())
@settings(max_examples=25, deadline=None)
def test_row_order_does_not_change_the_choice(name, seed, n, limit, with_model):
    draw = np.random.default_rng(seed)
    candidates = pool(n, seed, groups=draw.integers(0, n, n))
    if not with_model:
        candidates = replace(candidates, model=None)
    order = draw.permutation(n)
    model = candidates.model
    shuffled = Candidates(
        encounter_ids=[candidates.encounter_ids[row] for row in order],
        deterministic=candidates.deterministic[order],
        cpt=candidates.cpt[order],
        label_counts=candidates.label_counts,
        model=model
        and ModelView(model.probabilities[order], model.thresholds, model.accept[order]),
        groups=candidates.groups[order],
    )
    chosen = STRATEGIES[name].select(candidates, limit, seed)
    again = STRATEGIES[name].select(shuffled, limit, seed)
    assert len(set(chosen.tolist())) == min(limit, n)
    assert [shuffled.encounter_ids[row] for row in again] == [
        candidates.encounter_ids[row] for row in chosen
    ]


@pytest.mark.parametrize("name", [*STRATEGIES])
def test_near_duplicates_wait_until_every_group_had_a_note(name):
    groups = np.arange(60) % 20
    candidates = pool(60, groups=groups)
    chosen = STRATEGIES[name].select(candidates, 30, 42)
    assert len(set(groups[chosen[:20]].tolist())) == 20
    assert len(set(chosen.tolist())) == 30


@pytest.mark.parametrize("name", [*STRATEGIES])
def test_limit_beyond_the_pool_takes_all_and_an_empty_pool_none(name):
    assert sorted(STRATEGIES[name].select(pool(7), 200, 42).tolist()) == list(range(7))
    assert STRATEGIES[name].select(pool(0), 200, 42).tolist() == []


@pytest.mark.parametrize("name", [*STRATEGIES])
def test_ten_thousand_candidates_take_well_under_a_second(name):
    candidates = pool(10_000)
    started = time.process_time()
    STRATEGIES[name].select(candidates, 200, 42)
    assert time.process_time() - started < 1.0


def test_without_a_model_there_is_no_disagreement_rate():
    candidates = replace(pool(5), model=None)
    assert disagreement_rate(candidates) == {"notes": None, "flags": {}}
    assert not counted_disagreements(candidates).any()
