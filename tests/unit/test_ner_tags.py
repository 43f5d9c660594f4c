"""Tags, the rule by which they spell mentions, and rare types."""

import json
from pathlib import Path

import numpy as np
import pytest

from thce.errors import InputError
from thce.evaluation.multilabel import macro_f1, micro_f1, precision, recall
from thce.ner.documents import Document, Entity
from thce.ner.scores import count_places, strict_counts
from thce.ner.tags import TagSet, chunks
from thce.ner.type_policy import TypePolicy, apply_mapping, count_types, tier_of

SEQEVAL = Path(__file__).with_name("ner_seqeval.jsonl")
"""Random tag sequences with what seqeval 1.2.2 says of them."""


def cases() -> list[dict]:
    return [json.loads(line) for line in SEQEVAL.read_text().splitlines()]


def test_mentions_are_those_that_seqeval_reads() -> None:
    for case in cases():
        for tags, expected in zip(case["gold"], case["entities"], strict=True):
            assert [list(one) for one in chunks(tags)] == expected


def test_scores_are_those_of_seqeval() -> None:
    types = ("Age", "Date", "Sign_symptom")
    for case in cases():
        counts = sum(
            strict_counts(gold, predicted, types)
            for gold, predicted in zip(case["gold"], case["predicted"], strict=True)
        )
        pooled = counts.sum(axis=1, keepdims=True)
        assert np.nan_to_num(micro_f1(counts)) == pytest.approx(case["f1"])
        assert np.nan_to_num(precision(pooled)[0]) == pytest.approx(case["precision"])
        assert np.nan_to_num(recall(pooled)[0]) == pytest.approx(case["recall"])
        if (counts[0] + counts[2] > 0).all():  # seqeval averages over types with support alone
            assert macro_f1(counts) == pytest.approx(case["macro_f1"])


def test_two_annotations_on_one_place_want_two_predictions() -> None:
    counts = count_places([("Age", 1), ("Age", 1)], [("Age", 1), ("Age", 2)], ("Age",))
    assert counts[:, 0].tolist() == [1, 1, 1]


def test_every_begin_has_its_inside_and_ids_round_trip() -> None:
    tags = TagSet.of(["Sex", "Age", "Sex"])
    assert tags.tags == ("O", "B-Age", "I-Age", "B-Sex", "I-Sex")
    assert [tags.id2tag[tags.tag2id[tag]] for tag in tags.tags] == list(tags.tags)
    assert TagSet.from_dict(tags.to_dict(), "tags.json") == tags
    altered = tags.to_dict() | {"tag2id": {"O": 0, "I-Age": 1}}
    with pytest.raises(InputError, match=r"tags\.json: tag2id"):
        TagSet.from_dict(altered, "tags.json")


def test_tiers_have_the_limits_of_the_brief() -> None:
    assert [tier_of(n) for n in (99, 100, 1000, 1001)] == ["rare", "middle", "middle", "frequent"]


def document() -> Document:
    mentions = [("Age", 3), ("Color", 1)]
    spans = [(name, place) for name, times in mentions for place in range(times)]
    return Document(
        "d",
        "x" * 10,
        tuple(Entity(f"T{n}", name, ((p, p + 1),), "x") for n, (name, p) in enumerate(spans)),
    )


@pytest.mark.parametrize(
    ("rare", "expected"),
    [
        ("keep", {"Age": 3, "Color": 1}),
        ("drop", {"Age": 3}),
        ("merge", {"Age": 3, "Other": 1}),
    ],
)
def test_rare_types_go_where_the_policy_says(rare: str, expected: dict[str, int]) -> None:
    counts = count_types([document()])
    mapping = TypePolicy(rare=rare, rare_below=2).mapping(counts)  # type: ignore[arg-type]
    assert count_types([apply_mapping(document(), mapping)]) == expected
