import json
import time

import numpy as np
import pytest

from thce.config import load
from thce.errors import InputError
from thce.registry.labels import FALSE, N_FLAGS, TRUE, Flag
from thce.registry.splits import EXCLUDED, Fractions, assign, deal_folds, read_assignments


def notes(n, seed=0, positive_rate=0.1):
    draw = np.random.default_rng(seed)
    labels = (draw.random((n, N_FLAGS)) < positive_rate).astype(np.int8)
    return [f"n{row:05}" for row in range(n)], labels, np.arange(n)


def test_shares_are_70_15_15_by_default():
    ids, labels, groups = notes(1000)
    found = list(assign(ids, labels, groups).values())
    assert [found.count(split) for split in ("train", "val", "test")] == pytest.approx(
        [700, 150, 150], abs=1
    )


def test_rare_flag_is_shared_out():
    ids, labels, groups = notes(400, positive_rate=0)
    rare = Flag.BRONCHIAL_THERMOPLASTY.position
    labels[:7, rare] = TRUE
    found = assign(ids, labels, groups)
    holders = [found[name] for name in ids[:7]]
    assert sorted(holders) == ["test", "train", "train", "train", "train", "train", "val"]


def test_unknown_cells_do_not_move_notes():
    ids, labels, groups = notes(300)
    unknown_for_false = np.where(labels == FALSE, np.int8(-1), labels)
    assert assign(ids, labels, groups) == assign(ids, unknown_for_false, groups)


def test_rows_of_one_encounter_count_as_one_note():
    ids, labels, groups = notes(50)
    found = assign([*ids, ids[0]], np.vstack([labels, labels[:1]]), np.append(groups, 999))
    assert set(found) == set(ids)


def test_folds_share_notes_and_rare_flags_and_keep_near_duplicates_together():
    ids, labels, groups = notes(200, positive_rate=0.05)
    rare = Flag.BRONCHIAL_THERMOPLASTY.position
    labels[:, rare] = FALSE
    labels[:10, rare] = TRUE
    groups[150:160] = 150
    found = deal_folds(ids, labels, groups, 5, seed=1)
    dealt = [found[name] for name in ids]
    assert [dealt.count(fold) for fold in range(5)] == pytest.approx([40] * 5, abs=5)
    assert sorted(dealt[:10]) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert len(set(dealt[150:160])) == 1
    order = np.random.default_rng(0).permutation(200)
    again = deal_folds([ids[row] for row in order], labels[order], groups[order], 5, seed=1)
    assert again == found
    assert deal_folds(ids, labels, groups, 5, seed=2) != found


def test_seed_changes_the_split():
    ids, labels, groups = notes(200)
    assert assign(ids, labels, groups, seed=1) != assign(ids, labels, groups, seed=2)


def test_large_group_does_not_break_the_shares():
    ids, labels, groups = notes(200)
    groups[:100] = 0
    found = assign(ids, labels, groups)
    assert len({found[name] for name in ids[:100]}) == 1
    counts = [list(found.values()).count(split) for split in ("train", "val", "test")]
    assert counts == pytest.approx([140, 30, 30], abs=1)


def test_frozen_assignments_stay_when_notes_are_added():
    ids, labels, groups = notes(300)
    first = assign(ids[:200], labels[:200], groups[:200])
    second = assign(ids, labels, groups, frozen=first)
    assert {name: second[name] for name in ids[:200]} == first
    counts = [list(second.values()).count(split) for split in ("train", "val", "test")]
    assert counts == pytest.approx([210, 45, 45], abs=1)


def test_absent_frozen_note_keeps_its_place_for_when_it_comes_back():
    ids, labels, groups = notes(60)
    first = assign(ids, labels, groups)
    without = assign(ids[10:], labels[10:], groups[10:], frozen=first)
    assert assign(ids, labels, groups, frozen=without) == first


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_new_near_duplicate_follows_its_frozen_group(split):
    ids, labels, groups = notes(40)
    groups[39] = groups[0]
    frozen = assign(ids[:39], labels[:39], groups[:39]) | {ids[0]: split}
    assert assign(ids, labels, groups, frozen=frozen)[ids[39]] == split


def test_new_note_that_bridges_train_and_test_is_in_neither_and_test_keeps_its_note():
    ids, labels, _ = notes(3)
    bridged = np.zeros(3, dtype=int)
    frozen = {ids[0]: "train", ids[1]: "test"}
    found = assign(ids, labels, bridged, frozen=frozen)
    assert found == {ids[0]: EXCLUDED, ids[1]: "test", ids[2]: EXCLUDED}


def test_excluded_note_does_not_come_back_as_a_test_note():
    ids, labels, _ = notes(3)
    frozen = {ids[0]: EXCLUDED, ids[1]: "test", ids[2]: EXCLUDED}
    assert assign(ids, labels, np.arange(3), frozen=frozen) == frozen
    assert assign(ids, labels, np.zeros(3, dtype=int), frozen=frozen) == frozen


def test_fractions_that_do_not_sum_to_one_are_refused():
    with pytest.raises(InputError, match="sum to 1"):
        load(Fractions, overrides=["train=0.9"])


def test_assignments_are_read_back(tmp_path):
    path = tmp_path / "splits.json"
    path.write_text(json.dumps({"assignments": {"a": "train", "b": "excluded"}}))
    assert read_assignments(path) == {"a": "train", "b": "excluded"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "no assignments"),
        ('{"assignments": {"a": "training"}}', "unknown split 'training'"),
    ],
)
def test_broken_splits_file_is_refused_never_taken_as_empty(tmp_path, content, message):
    path = tmp_path / "splits.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_assignments(path)


def test_ten_thousand_notes_take_seconds_at_most():
    ids, labels, groups = notes(10_000)
    started = time.process_time()
    assign(ids, labels, groups)
    assert time.process_time() - started < 3
