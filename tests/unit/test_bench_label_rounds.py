from dataclasses import replace

import numpy as np
import pytest

from thce.bench.label_notes import arena_of, notes_of, read_labelled, split_notes, thin_pool
from thce.bench.label_rounds import Budget, candidates_of, learn, run_course
from thce.registry.labels import FALSE, TRUE, UNKNOWN
from thce.registry.strategies import STRATEGIES


@pytest.fixture(scope="module")
def table(registry_data, tmp_path_factory):
    """The 58 notes of one author, hydrated."""
    path = str(registry_data / "registry_notes_c.jsonl")
    return read_labelled([path], tmp_path_factory.mktemp("quarantine"))


@pytest.fixture(scope="module")
def arena(table):
    """One split of them."""
    notes = notes_of(table, keywords=False)
    return arena_of(notes, table["text"].to_pylist(), split_notes(notes, 0.3, 42))


def test_pool_and_test_share_no_note_and_hold_all(arena):
    assert not set(arena.pool) & set(arena.test)
    assert len(arena.pool) + len(arena.test) == 58
    assert 0.2 < len(arena.test) / 58 < 0.4


def test_without_keywords_only_forms_say_false_and_notes_without_codes_or_form_say_nothing(table):
    without, with_rules = notes_of(table, keywords=False), notes_of(table, keywords=True)
    assert (without.weak == UNKNOWN).mean() > 0.8 > (with_rules.weak == UNKNOWN).mean()
    bare = [
        not codes and form is None
        for codes, form in zip(
            table["cpt_codes"].to_pylist(), table["structured"].to_pylist(), strict=True
        )
    ]
    assert any(bare)
    assert (without.deterministic[bare] == UNKNOWN).all()
    assert (without.gold == with_rules.gold).all()


def test_every_strategy_starts_from_the_same_score_and_more_answers_change_it(arena):
    budget = Budget(start=10, batch=5, rounds=2)
    found = {name: run_course(arena, one, budget, 1) for name, one in STRATEGIES.items()}
    assert len({tuple(scores[:, 0]) for scores in found.values()}) == 1
    assert len({tuple(scores[:, -1]) for scores in found.values()}) > 1
    assert (run_course(arena, STRATEGIES["hybrid"], budget, 1) == found["hybrid"]).all()
    assert (run_course(arena, STRATEGIES["random"], budget, 2) != found["random"]).any()


def test_gold_of_unanswered_and_of_test_notes_is_never_seen_while_learning(arena):
    answered = np.zeros(len(arena.pool), dtype=bool)
    answered[:12] = True
    hidden = np.r_[arena.pool[12:], arena.test]
    gold = arena.notes.gold.copy()
    gold[hidden] = np.where(gold[hidden] == TRUE, FALSE, TRUE)
    blind = replace(arena, notes=replace(arena.notes, gold=gold))
    one, other = learn(arena, answered), learn(blind, answered)
    assert (one.fit.dual == other.fit.dual).all()
    assert (one.thresholds.values == other.thresholds.values).all()
    seen, unseen = candidates_of(arena, one, answered), candidates_of(blind, other, answered)
    assert (seen[0].model.probabilities == unseen[0].model.probabilities).all()
    assert (seen[0].label_counts == unseen[0].label_counts).all()


def test_answered_notes_are_not_asked_about_again(arena):
    answered = np.zeros(len(arena.pool), dtype=bool)
    answered[::3] = True
    candidates, rows = candidates_of(arena, learn(arena, answered), answered)
    assert not answered[rows].any()
    assert len(candidates) == len(rows) == (~answered).sum()


def test_what_people_answer_overrules_what_codes_imply(arena):
    wrong = (arena.notes.weak == TRUE) & (arena.notes.gold == FALSE)
    wrong[arena.test] = False
    note, flag = np.argwhere(wrong)[0]
    at = int(np.flatnonzero(arena.pool == note)[0])
    answered = np.zeros(len(arena.pool), dtype=bool)
    answered[np.arange(len(answered)) != at] = True
    before = learn(arena, answered).fit.dual[flag, at]
    answered[at] = True
    after = learn(arena, answered).fit.dual[flag, at]
    assert before > 0 > after


def test_a_skewed_pool_keeps_few_positives_of_the_drawn_flags_and_takes_notes_out_only(table):
    notes = notes_of(table, keywords=False)
    pool, _ = split_notes(notes, 0.3, 42)
    skewed = thin_pool(notes, pool, rare_flags=12, left=2, seed=3)
    assert set(skewed) < set(pool)
    before, after = ((notes.gold[rows] == TRUE).sum(axis=0) for rows in (pool, skewed))
    assert (after <= before).all()
    assert ((before > 2) & (after <= 2)).sum() >= 3
    assert (skewed == thin_pool(notes, pool, rare_flags=12, left=2, seed=3)).all()
    assert (thin_pool(notes, pool, rare_flags=12, left=60, seed=3) == pool).all()
