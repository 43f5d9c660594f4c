"""No encounter and no near-duplicate crosses splits, whatever notes a site gives."""

import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
from hydrated_rows import hydrated_table, write_parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.registry.dataset import DatasetConfig, read_split, run
from thce.registry.labels import N_FLAGS
from thce.registry.splits import SPLITS

ALIKE = 0.9
"""Jaccard similarity of word triples from which two notes must never be parted.

The step looks for 0.8 and more by MinHash, whose error is largest at the threshold itself.
"""


@st.composite
def corpora(draw):
    """Notes of which some are edited copies of others, chains of copies included."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.integers(8, 40))
    texts: list[list[str]] = []
    for number in range(count):
        if number and rng.random() < 0.5:
            words = list(texts[rng.integers(number)])
            for _ in range(rng.integers(0, 6)):
                words[rng.integers(len(words))] = f"edit{rng.integers(10**6)}"
        else:
            words = [f"word{rng.integers(10**6)}" for _ in range(rng.integers(60, 200))]
        texts.append(words)
    cells = np.array([-1, 0, 1], dtype=np.int8)
    label = rng.choice(cells, p=[0.3, 0.5, 0.2], size=(count, N_FLAGS))
    ids = [f"e{number:03}" for number in rng.permutation(count)]
    return ids, [" ".join(words) for words in texts], label


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the sets of word triples, counted exactly."""
    a, b = (
        {tuple(words[at : at + 3]) for at in range(len(words) - 2)}
        for words in (one.split(), other.split())
    )
    return len(a & b) / len(a | b)


@given(corpora(), st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_no_encounter_and_no_near_duplicate_crosses_splits(corpus, seed):
    ids, texts, label = corpus
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_parquet(hydrated_table(ids, texts, label), folder / "hydrated", shards=2)
        output = str(folder / "dataset")
        run(DatasetConfig(hydrated=str(folder / "hydrated"), output=output, seed=seed))
        split_of, text_of = {}, {}
        for split in SPLITS:
            rows = read_split(output, split)
            assert not split_of.keys() & set(rows.encounter_ids), "an encounter in two splits"
            split_of |= dict.fromkeys(rows.encounter_ids, split)
            text_of |= dict(zip(rows.encounter_ids, rows.texts, strict=True))
    assert split_of.keys() == set(ids), "every note is in a split"
    for one, other in combinations(sorted(ids), 2):
        if split_of[one] != split_of[other]:
            assert similarity(text_of[one], text_of[other]) < ALIKE, (one, other)
