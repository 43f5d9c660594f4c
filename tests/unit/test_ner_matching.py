"""Each annotation and each prediction lies in exactly one category, whatever the order."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from perturbed_entities import perturbed

from thce.ner.documents import Document, Entity, Prediction
from thce.ner.matching import Category, Extent, Outcome, extent_of, match, match_document

TEXT = "x" * 40
SPANS = st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda one: (one[0], sum(one)))
KINDS = st.sampled_from(["A", "B", "C"])
GOLD = st.lists(st.tuples(KINDS, SPANS), max_size=8)
FOUND = st.lists(st.tuples(KINDS, SPANS), max_size=8)


def document(gold: list[tuple[str, tuple[int, int]]], name: str = "d") -> Document:
    entities = [
        Entity(f"T{at}", kind, (span,), TEXT[slice(*span)]) for at, (kind, span) in enumerate(gold)
    ]
    return Document(name, TEXT, tuple(entities))


def predictions(found: list[tuple[str, tuple[int, int]]], name: str = "d") -> list[Prediction]:
    return [Prediction(name, kind, *span, 0.9, (0.9,)) for kind, span in found]


def categories(outcomes: list[Outcome]) -> Counter[Category]:
    return Counter(one.category for one in outcomes)


@given(GOLD, FOUND)
def test_each_of_both_is_in_exactly_one_outcome(gold: list, found: list) -> None:
    outcomes = match_document(document(gold), predictions(found))
    seen = sorted(one.gold.id for one in outcomes if one.gold)
    assert seen == sorted(f"T{at}" for at in range(len(gold)))
    back = Counter(
        (one.prediction.type, one.prediction.start, one.prediction.end)
        for one in outcomes
        if one.prediction
    )
    assert back == Counter((kind, *span) for kind, span in found)
    for one in outcomes:
        assert (one.gold is None) == (one.category is Category.SPURIOUS)
        assert (one.prediction is None) == (one.category is Category.MISSED)


@given(GOLD, FOUND)
def test_correct_are_those_in_both(gold: list, found: list) -> None:
    both = Counter(gold) & Counter(found)
    outcomes = match_document(document(gold), predictions(found))
    assert categories(outcomes)[Category.CORRECT] == both.total()


@given(GOLD, FOUND, st.randoms(use_true_random=False))
def test_the_order_does_not_matter(gold: list, found: list, rng: random.Random) -> None:
    usual = match_document(document(gold), predictions(found))
    shuffled_gold, shuffled_found = rng.sample(gold, len(gold)), rng.sample(found, len(found))
    other = match_document(document(shuffled_gold), predictions(shuffled_found))
    assert Counter(map(_said, usual)) == Counter(map(_said, other))


@given(GOLD)
def test_annotations_predicted_as_they_are_are_all_correct(gold: list) -> None:
    outcomes = match_document(document(gold), predictions(gold))
    assert categories(outcomes) == Counter({Category.CORRECT: len(gold)} if gold else {})


@given(GOLD, FOUND)
def test_who_is_asked_and_who_answers_can_change_places(gold: list, found: list) -> None:
    """Missed ones become spurious and the other way round; pairs with a right type stay."""
    there = categories(match_document(document(gold), predictions(found)))
    back = categories(match_document(document(found), predictions(gold)))
    assert there[Category.CORRECT] == back[Category.CORRECT]
    pairs = (Category.CORRECT, Category.BOUNDARY, Category.TYPE)
    assert len(gold) - there[Category.MISSED] == sum(there[one] for one in pairs)
    assert len(found) - there[Category.SPURIOUS] == sum(there[one] for one in pairs)


@given(GOLD, FOUND)
def test_what_overlaps_nothing_is_apart(gold: list, found: list) -> None:
    for one in match_document(document(gold), predictions(found)):
        if one.category is Category.SPURIOUS and one.prediction:
            start, end = one.prediction.start, one.prediction.end
            touched = any(a < end and start < b for _, (a, b) in gold)
            assert one.extent is (Extent.BESIDE if touched else Extent.APART)


@pytest.mark.parametrize(
    ("gold", "found", "category", "extent"),
    [
        (("A", (5, 9)), ("A", (5, 9)), Category.CORRECT, Extent.SAME),
        (("A", (5, 9)), ("A", (5, 8)), Category.BOUNDARY, Extent.SHORT),
        (("A", (5, 9)), ("A", (4, 9)), Category.BOUNDARY, Extent.LONG),
        (("A", (5, 9)), ("A", (7, 12)), Category.BOUNDARY, Extent.SHIFTED),
        (("A", (5, 9)), ("B", (5, 9)), Category.TYPE, Extent.SAME),
        (("A", (5, 9)), ("B", (8, 12)), Category.TYPE, Extent.SHIFTED),
    ],
)
def test_a_pair_by_type_and_extent(
    gold: tuple, found: tuple, category: Category, extent: Extent
) -> None:
    (one,) = match_document(document([gold]), predictions([found]))
    assert (one.category, one.extent) == (category, extent)


def test_the_right_type_is_paired_before_the_right_extent() -> None:
    outcomes = match_document(
        document([("A", (0, 10))]), predictions([("B", (0, 10)), ("A", (0, 4))])
    )
    assert categories(outcomes) == {Category.BOUNDARY: 1, Category.SPURIOUS: 1}


def test_two_pieces_of_one_annotation_are_one_boundary_and_one_beside_it() -> None:
    outcomes = match_document(
        document([("A", (0, 10))]), predictions([("A", (0, 6)), ("A", (7, 10))])
    )
    assert [(one.category, one.extent) for one in outcomes] == [
        (Category.BOUNDARY, Extent.SHORT),
        (Category.SPURIOUS, Extent.BESIDE),
    ]


def test_a_discontinuous_annotation_is_never_correct_unless_only_blanks_part_it() -> None:
    text = "left and right lung\n nodule"
    parted = Entity("T1", "A", ((0, 4), (15, 19)), "left lung")
    broken = Entity("T2", "A", ((15, 19), (21, 27)), "lung nodule")
    whole = [Prediction("d", "A", 0, 19, 0.9, ()), Prediction("d", "A", 15, 27, 0.9, ())]
    outcomes = match_document(Document("d", text, (parted, broken)), whole)
    assert [(one.gold.id, one.category, one.extent) for one in outcomes if one.gold] == [
        ("T1", Category.BOUNDARY, Extent.LONG),
        ("T2", Category.CORRECT, Extent.SAME),
    ]
    assert extent_of(parted.spans, Prediction("d", "A", 2, 17, 0.9, ())) is Extent.SHIFTED


def test_known_perturbations_are_found_for_what_they_are() -> None:
    made = perturbed(documents=20, seed=1)
    outcomes = match(made.documents, made.predictions)
    counted = categories(outcomes)
    assert counted[Category.CORRECT] == made.done["correct"]
    assert counted[Category.BOUNDARY] == made.done["short"] + made.done["long"]
    assert counted[Category.TYPE] == made.done["type"]
    assert counted[Category.MISSED] == made.done["missed"]
    assert counted[Category.SPURIOUS] == made.done["spurious"]


def _said(one: Outcome) -> tuple:
    gold = one.gold and (one.gold.type, one.gold.spans)
    found = one.prediction and (one.prediction.type, one.prediction.start, one.prediction.end)
    return one.category, one.extent, gold, found
