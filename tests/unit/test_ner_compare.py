"""Models on the same documents: the better one is named, and what cannot be told apart is said."""

import random

import pytest
from perturbed_entities import perturbed

from thce.evaluation.results import Provenance
from thce.ner.compare_page import compare_page
from thce.ner.compare_words import describe_models, is_evidence
from thce.ner.comparison import Contestant, Cost, ModelComparison, compare_models
from thce.ner.documents import Prediction
from thce.ner.matching import match

MADE = perturbed(30, seed=21, mentions=25)
NO_COST = Cost(None, None, None, None)


def without(share: float, kinds: tuple[str, ...] = (), seed: int = 0) -> list[Prediction]:
    """The predictions less a share of them, and less all of some types."""
    rng = random.Random(seed)
    return [one for one in MADE.predictions if rng.random() >= share and one.type not in kinds]


def compared(**predictions: list[Prediction]) -> ModelComparison:
    costs = {
        "large": Cost(900.0, 120.0, 800.0, 400.0),
        "small": Cost(300.0, 40.0, 400.0, 80.0),
    }
    contestants = [
        Contestant(name, match(MADE.documents, found), costs.get(name, NO_COST))
        for name, found in predictions.items()
    ]
    return compare_models(MADE.documents, contestants)


def test_the_model_that_finds_more_is_best_and_there_is_evidence() -> None:
    found = compared(small=without(0.3), large=without(0.0))
    assert found.best == "large"
    (pair,) = (one for one in found.pairs if one.metric == "micro_f1")
    assert (pair.a, pair.b) == ("large", "small")
    assert is_evidence(pair)
    said = " ".join(describe_models(found))
    assert "large has the highest micro F1 of 2 models" in said
    assert "a document takes 0.33 times as long" in said
    assert "memory is 0.50 times as large" in said
    assert "Where only quality counts, large is the one to take." in said


def test_models_that_cannot_be_told_apart_are_chosen_by_speed() -> None:
    found = compared(large=without(0.0), small=without(0.002, seed=4))
    assert not any(is_evidence(one) for one in found.pairs)
    said = " ".join(describe_models(found))
    assert "cannot be told apart" in said
    assert "small is the fastest of them (40 ms a document)" in said
    unmeasured = compared(large=without(0.0), other=without(0.002, seed=4))
    assert "their speed was not measured" in " ".join(describe_models(unmeasured))


def test_a_model_that_is_best_at_one_type_is_named_for_it() -> None:
    found = compared(large=without(0.0, ("Medication",)), small=without(0.35))
    assert found.best == "large"
    by_type = {one.type: one for one in found.types}
    assert by_type["Medication"].best == "small"
    assert by_type["Medication"].p_adjusted < 0.05
    assert by_type["Medication"].difference.low > 0
    assert {one.best for name, one in by_type.items() if name != "Medication"} == {"large"}
    assert "there is evidence for Medication with small" in " ".join(describe_models(found))


def test_the_order_in_which_models_are_given_does_not_matter() -> None:
    one = compared(large=without(0.0), small=without(0.3))
    other = compared(small=without(0.3), large=without(0.0))
    assert one.best == other.best
    assert one.pairs == other.pairs
    assert [won.best for won in one.types] == [won.best for won in other.types]


@pytest.mark.parametrize("measured", [True, False])
def test_the_page_shows_cost_where_it_was_measured(measured: bool) -> None:
    names = ("large", "small") if measured else ("a", "b")
    found = compared(**dict(zip(names, (without(0.0), without(0.2)), strict=True)))
    page = compare_page(found, 30, Provenance("made-up", "made-up documents", True, False), [])
    assert ('id="cost-' in page) == measured
    assert ("not measured" in page) != measured
    for score in found.scores:
        assert f"{score.micro_f1.estimate:.3f}" in page
