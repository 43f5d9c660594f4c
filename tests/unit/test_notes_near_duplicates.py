import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.notes.near_duplicates import groups, jaccard, shingle

_WORDS = [f"word{i}" for i in range(400)]


def _text(seed: int, changed: int = 0) -> str:
    generator = np.random.default_rng(seed)
    words = list(generator.choice(_WORDS, 120))
    for position in generator.choice(120, changed, replace=False):
        words[position] = f"changed{position}"
    return " ".join(words)


def test_a_group_is_named_by_its_first_text() -> None:
    texts = ["alpha", _text(1), _text(2), _text(1, changed=2), "beta", _text(2), _text(1)]
    assert groups(texts).tolist() == [0, 1, 2, 1, 4, 2, 1]


def test_case_and_punctuation_do_not_count() -> None:
    assert groups(["EBUS of station 4R, then 7.", "ebus of station 4r then 7"]).tolist() == [0, 0]


def test_the_threshold_decides() -> None:
    texts = [_text(3), _text(3, changed=6)]
    similarity = jaccard(*shingle(texts))
    assert 0.5 < similarity < 0.95
    assert groups(texts, threshold=similarity - 0.01).tolist() == [0, 0]
    assert groups(texts, threshold=similarity + 0.01).tolist() == [0, 1]


def test_groups_are_joined_through_a_text_between_them() -> None:
    ends_in = [_WORDS[:100], [*_WORDS[:90], *_WORDS[100:110]], [*_WORDS[:80], *_WORDS[100:120]]]
    texts = [" ".join(words) for words in ends_in]
    far = jaccard(*shingle([texts[0], texts[2]]))
    near = jaccard(*shingle(texts[:2]))
    assert far < near
    assert groups(texts, threshold=(far + near) / 2).tolist() == [0, 0, 0]


def test_texts_of_no_or_few_words() -> None:
    assert groups(["", "x", "...", "x y", "x"]).tolist() == [0, 1, 0, 3, 1]
    assert groups([]).tolist() == []


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 8)), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_texts_does_not_change_the_groups(
    kinds: list[tuple[int, int]], random: "np.random.Generator"
) -> None:
    texts = [_text(seed, changed) for seed, changed in kinds]
    order = list(range(len(texts)))
    random.shuffle(order)
    straight, shuffled = groups(texts), groups([texts[i] for i in order])
    together = straight[:, None] == straight[None, :]
    assert (together[np.ix_(order, order)] == (shuffled[:, None] == shuffled[None, :])).all()


@pytest.mark.parametrize("threshold", [0.6, 0.8, 0.9])
def test_every_pair_from_the_threshold_on_is_found(threshold: float) -> None:
    texts = [_text(seed, changed) for seed in range(12) for changed in range(0, 12, 2)]
    shingled = shingle(texts)
    found = groups(texts, threshold)
    for i in range(len(texts)):
        for j in range(i):
            if jaccard(shingled[i], shingled[j]) >= threshold:
                assert found[i] == found[j]
