"""Counts by type, tier and length add up to the same mentions, and F1 is seqeval's."""

import numpy as np
import pytest
from perturbed_entities import TYPES, perturbed

from thce.evaluation.multilabel import FN, FP, TP
from thce.ner.counts import (
    LENGTHS,
    TIERS,
    TOKENS,
    contributions,
    group_scores,
    length_of,
    overall_score,
    tier_group,
    tokens_of,
    type_of,
)
from thce.ner.documents import Document, Entity, Prediction
from thce.ner.matching import match
from thce.ner.scores import strict_counts
from thce.ner.token_table import tagged_spans

MADE = perturbed(documents=15, seed=3)
OUTCOMES = match(MADE.documents, MADE.predictions)


def test_every_group_holds_each_mention_once() -> None:
    annotated = sum(len(document.entities) for document in MADE.documents)
    groups = {
        TYPES: type_of,
        LENGTHS: length_of,
        TOKENS: tokens_of,
        TIERS: tier_group({"Age": 2000, "Medication": 500, "Sign_symptom": 100}),
    }
    right = []
    for names, group_of in groups.items():
        total = contributions(OUTCOMES, MADE.documents, names, group_of).sum(axis=(0, 2))
        assert total[TP] + total[FN] == annotated
        assert total[TP] + total[FP] == len(MADE.predictions)
        right.append(total[TP])
    assert set(right) == {MADE.done["correct"]}


def test_the_strict_score_is_that_of_the_words_tags() -> None:
    """Two ways to the same counts: places in the text here, tags there (held against seqeval)."""
    tokens = MADE.tokens
    names = np.array(tokens.tags)
    by_tags = np.stack(
        [
            strict_counts(
                names[tokens.gold[rows]].tolist(), names[tokens.predicted[rows]].tolist(), TYPES
            )
            for document in MADE.documents
            for rows in [tokens.document == document.id]
        ]
    )
    counts = contributions(OUTCOMES, MADE.documents, TYPES, type_of)
    np.testing.assert_array_equal(counts, by_tags)
    scores = group_scores(counts, TYPES)
    overall = overall_score(OUTCOMES, MADE.documents, TYPES)
    assert overall.macro_f1.estimate == pytest.approx(
        np.mean([score.f1.estimate for score in scores])
    )
    assert len(tagged_spans(tokens, tokens.gold)) == sum(score.support for score in scores)


def test_intervals_hold_the_estimate_and_do_not_depend_on_the_order_of_documents() -> None:
    counts = contributions(OUTCOMES, MADE.documents, TYPES, type_of)
    usual = group_scores(counts, TYPES)
    for score in usual:
        assert score.f1.low <= score.f1.estimate <= score.f1.high
    assert group_scores(counts[::-1].copy(), TYPES) == usual
    overall = overall_score(OUTCOMES, MADE.documents, TYPES)
    assert overall.lenient_f1.estimate > overall.micro_f1.estimate


def test_length_is_words_as_the_model_sees_them() -> None:
    text = "28-year-old man with chest pain and\nfever"
    mentions = {
        (0, 11): "4-5",  # 28 - year - old
        (12, 15): "1",
        (21, 31): "2",
        (0, 31): "6 or more",
    }
    for (start, end), length in mentions.items():
        mention = Prediction("d", "Age", start, end, 0.5, ())
        assert length_of(mention, text) == length
        entity = Entity("T1", "Age", ((start, end),), text[start:end])
        assert length_of(entity, text) == length
        assert tokens_of(entity, text) == TOKENS[length != "1"]
    parted = Entity("T1", "Sign_symptom", ((21, 26), (36, 41)), "chest fever")
    assert length_of(parted, text) == "2"


def test_a_type_that_is_not_asked_for_is_not_counted() -> None:
    document = Document("d", "one two", (Entity("T1", "A", ((0, 3),), "one"),))
    outcomes = match([document], [Prediction("d", "B", 0, 3, 0.5, ())])
    counts = contributions(outcomes, [document], ["A"], type_of)
    assert counts[0, :, 0].tolist() == [0, 0, 1]


def test_a_type_that_is_always_right_still_has_an_interval_with_a_width() -> None:
    document = Document("d", "one two", (Entity("T1", "A", ((0, 3),), "one"),))
    outcomes = match([document], [Prediction("d", "A", 0, 3, 0.5, ())])
    (score,) = group_scores(contributions(outcomes, [document], ["A"], type_of), ["A"])
    assert score.f1.estimate == score.f1.high == 1
    assert score.f1.low < 0.5
