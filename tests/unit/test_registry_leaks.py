import pytest

from thce.errors import Finding
from thce.registry import leaks
from thce.registry.leaks import SplitRows, find_leaks, require_no_leaks


def rows(*given):
    """Rows of (encounter, text, group, split)."""
    ids, texts, groups, splits = zip(*given, strict=True)
    return SplitRows(ids, texts, groups, splits)


CLEAN = rows(
    ("a", "alpha", 1, "train"),
    ("b", "beta", 1, "train"),
    ("c", "gamma", 2, "val"),
    ("d", "delta", 3, "test"),
)


def test_clean_splits_pass():
    require_no_leaks(find_leaks(CLEAN, human_encounters={"a", "d"}, frozen={"d": "test"}))


@pytest.mark.parametrize(
    ("leaking", "kind"),
    [
        (rows(("a", "one", 1, "train"), ("a", "two", 2, "test")), leaks.SAME_ENCOUNTER),
        (rows(("a", "same", 1, "train"), ("b", "same", 2, "val")), leaks.SAME_TEXT),
        (rows(("a", "one", 5, "val"), ("b", "two", 5, "test")), leaks.NEAR_DUPLICATE),
    ],
)
def test_each_way_of_sharing_is_found(leaking, kind):
    assert [leak.kind for leak in find_leaks(leaking)] == [kind]
    with pytest.raises(Finding, match=kind):
        require_no_leaks(find_leaks(leaking))


def test_human_labels_of_a_frozen_test_note_must_not_train():
    moved = rows(("a", "one", 1, "train"), ("b", "two", 2, "test"))
    kinds = [leak.kind for leak in find_leaks(moved, {"a"}, frozen={"a": "test"})]
    assert kinds == [leaks.HUMAN_TEST_LABEL, leaks.LEFT_TEST]
    kinds = [leak.kind for leak in find_leaks(moved, set(), frozen={"a": "test"})]
    assert kinds == [leaks.LEFT_TEST]


def test_a_train_note_that_was_validation_before_is_no_leak_of_test():
    assert find_leaks(CLEAN, frozen={"a": "val"}) == []


def test_message_has_counts_and_ids_and_no_text():
    leaking = rows(
        *((f"t{number}", f"secret {number}", number, "train") for number in range(9)),
        *((f"v{number}", f"secret {number}", 100 + number, "test") for number in range(9)),
    )
    with pytest.raises(Finding) as raised:
        require_no_leaks(find_leaks(leaking))
    message = str(raised.value)
    assert f"{leaks.SAME_TEXT}: 9 (t0, t1, t2, t3, t4 and 13 more)" in message
    assert "secret" not in message
