"""Error kinds cover every error, confusion adds up, and examples show only what they may."""

import json
from collections import Counter

import pytest
from perturbed_entities import TYPES, perturbed

from thce.ner.documents import Document, Entity, Prediction
from thce.ner.errors import (
    KINDS,
    confuse,
    count_categories,
    count_kinds,
    examples,
    kind_of,
)
from thce.ner.matching import Category, match

MADE = perturbed(documents=20, seed=5)
OUTCOMES = match(MADE.documents, MADE.predictions)


def test_every_outcome_that_is_not_correct_has_a_kind() -> None:
    for one in OUTCOMES:
        assert (kind_of(one) is None) == (one.category is Category.CORRECT)
    counted = count_kinds(OUTCOMES)
    assert counted["boundary, too short"] == MADE.done["short"]
    assert counted["boundary, too long"] == MADE.done["long"]
    assert counted["type, same extent"] == MADE.done["type"]
    assert sum(counted.values()) == len(OUTCOMES) - MADE.done["correct"]


def test_categories_by_type_add_up() -> None:
    total: Counter[str] = Counter()
    for counts in count_categories(OUTCOMES).values():
        total.update(counts)
    assert total == Counter(one.category.value for one in OUTCOMES)


def test_confusion_holds_every_outcome_and_has_right_types_on_its_diagonal() -> None:
    found = confuse(OUTCOMES, TYPES[:2])
    assert found.counts.sum() == len(OUTCOMES)
    of_first = [one for one in OUTCOMES if one.gold and one.gold.type == TYPES[0]]
    paired = [one for one in of_first if one.prediction and one.prediction.type == TYPES[0]]
    assert found.counts[0, 0] == len(paired)
    assert found.counts[0].sum() == len(of_first)
    assert found.counts[-1, -1] == 0


def test_examples_are_of_all_kinds_and_without_text_unless_it_is_allowed() -> None:
    found = examples(OUTCOMES, MADE.documents, show_text=False)
    assert len(found) == 30
    present = {kind for kind, count in count_kinds(OUTCOMES).items() if count}
    assert {one.kind for one in found} == present
    assert [KINDS.index(one.kind) for one in found] == sorted(
        KINDS.index(one.kind) for one in found
    )
    assert all(one.text is None for one in found)
    shown = examples(OUTCOMES, MADE.documents, show_text=True)
    assert [one.to_dict() for one in shown] == [one.to_dict() for one in found]
    said = json.dumps([one.to_dict() for one in shown])
    assert all(one.text and one.text not in said for one in shown)
    assert examples(OUTCOMES, MADE.documents, show_text=True) == shown
    assert len(set(map(str, shown))) == 30


def test_fewer_errors_than_asked_for_are_all_shown() -> None:
    errors = len(OUTCOMES) - MADE.done["correct"]
    found = examples(OUTCOMES, MADE.documents, show_text=False, most=10_000)
    assert len(found) == errors


@pytest.mark.parametrize(
    ("gold", "predicted", "shown"),
    [
        (((4, 9),), (4, 14), "the [|chest] pain| went"),
        (((4, 9),), None, "the [chest] pain went"),
        (((0, 3), (10, 14)), (10, 14), "[the] chest [|pain]| went"),
        (None, (10, 14), "the chest |pain| went"),
    ],
)
def test_an_example_marks_both_mentions(
    gold: tuple | None, predicted: tuple | None, shown: str
) -> None:
    text = "the chest pain went"
    entities = () if gold is None else (Entity("T1", "A", gold, "x"),)
    found = [] if predicted is None else [Prediction("d", "A", *predicted, 0.7, ())]
    document = Document("d", text, entities)
    (one,) = examples(match([document], found), [document], show_text=True)
    assert one.text == shown
