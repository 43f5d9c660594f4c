"""Thresholds trade coverage for precision, promises hold, and documents go where the rule says."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from perturbed_entities import TYPES, perturbed

from thce.evaluation.fixed_sequence import Claim
from thce.ner.confidence import Scored, confidences, fit
from thce.ner.matching import match
from thce.ner.mentions import Mentions, mentions_of
from thce.ner.operating import THRESHOLDS, promise, sweep, sweet_spot
from thce.ner.readiness import Rule, automation, decide, type_risks

RULE = Rule(("Medication",), 1.0)


def from_perturbed(seed: int, documents: int = 40) -> Mentions:
    made = perturbed(documents, seed=seed, mentions=20)
    outcomes = match(made.documents, made.predictions)
    scored = Scored(made.documents, outcomes, made.tokens)
    return mentions_of(outcomes, made.documents, TYPES, confidences(scored, fit(scored), "raw"))


def by_hand(rows: list[tuple[int, str, float, bool]], documents: int = 2) -> Mentions:
    document, kind, confidence, right = zip(*rows, strict=True)
    return Mentions(
        document=np.array(document),
        type=np.array(kind),
        confidence=np.array(confidence, dtype=np.float64),
        right=np.array(right),
        annotated=np.full((documents, 2), 2),
        types=("Medication", "Age"),
        ids=tuple(f"d{at}" for at in range(documents)),
    )


HAND = by_hand(
    [
        (0, "Medication", 0.9, True),
        (0, "Medication", 0.6, False),
        (0, "Age", 0.95, True),
        (1, "Medication", 0.85, True),
        (1, "Age", 0.5, False),
    ]
)


def test_what_is_kept_shrinks_and_is_counted_once() -> None:
    mentions = from_perturbed(1)
    points = sweep(mentions)
    assert [one.threshold for one in points] == list(THRESHOLDS)
    for lower, higher in pairwise(points):
        assert higher.kept <= lower.kept
        assert higher.recall.estimate <= lower.recall.estimate
        assert higher.coverage.estimate <= lower.coverage.estimate
    assert points[-1].precision.estimate > points[0].precision.estimate
    (everything,) = sweep(mentions, [0.0])
    assert everything.coverage.estimate == 1
    assert everything.precision.estimate == pytest.approx(mentions.right.mean())
    assert everything.recall.estimate == pytest.approx(
        mentions.right.sum() / mentions.annotated.sum()
    )


def test_a_point_by_hand() -> None:
    (point,) = sweep(HAND, [0.85])
    assert point.kept == 3
    assert point.precision.estimate == 1
    assert point.coverage.estimate == pytest.approx(3 / 5)
    assert point.recall.estimate == pytest.approx(3 / 8)
    assert point.f_half == pytest.approx(1.25 * 1 * (3 / 8) / (0.25 * 1 + 3 / 8))
    (none,) = sweep(HAND, [0.99])
    assert none.kept == 0
    assert np.isnan(none.precision.estimate)


def test_the_sweet_spot_has_the_highest_f_half() -> None:
    mentions = from_perturbed(2)
    points = sweep(mentions)
    chosen = sweet_spot(mentions)
    best = max(points, key=lambda one: one.f_half)
    assert next(one for one in points if one.threshold == chosen).f_half == best.f_half


def test_a_promise_by_document_holds_where_documents_go_wrong_as_one() -> None:
    """Documents right or wrong as a whole, 0.85 of them right: 0.9 may be promised rarely."""
    rng = np.random.default_rng(0)
    claim = Claim(0.9, 0.8)

    def drawn() -> Mentions:
        return Mentions(
            document=np.repeat(np.arange(60), 8),
            type=np.repeat("Age", 480),
            confidence=np.full(480, 0.97),
            right=np.repeat(rng.random(60) < 0.85, 8),
            annotated=np.full((60, 1), 8),
            types=("Age",),
            ids=tuple(map(str, range(60))),
        )

    broken = {"document": 0, "mention": 0}
    for _ in range(200):
        test, validation = drawn(), drawn()
        for unit in broken:
            broken[unit] += promise(test, validation, claim, unit).threshold is not None
    assert broken["document"] <= 0.2 * 200
    assert broken["mention"] > broken["document"]


def test_a_promise_keeps_its_confidence_wherever_it_starts() -> None:
    """Independent mentions, surer ones righter: broken in at most a fifth of the draws."""
    rng = np.random.default_rng(1)
    claim = Claim(0.9, 0.8)

    def drawn() -> Mentions:
        odds = rng.exponential(1.5, 400)
        return Mentions(
            document=np.arange(400) // 4,
            type=np.repeat("Age", 400),
            confidence=1 / (1 + np.exp(-odds)),
            right=rng.random(400) < 1 - 0.6 * np.exp(-odds),
            annotated=np.full((100, 1), 4),
            types=("Age",),
            ids=tuple(map(str, range(100))),
        )

    odds = rng.exponential(1.5, 200_000)
    chance = 1 - 0.6 * np.exp(-odds)
    broken = kept = 0
    for _ in range(200):
        found = promise(drawn(), drawn(), claim, "mention").threshold
        if found is not None:
            kept += 1
            broken += chance[1 / (1 + np.exp(-odds)) >= found].mean() < claim.precision
    assert broken <= 0.2 * 200 + 11
    assert kept > 100, "a promise must be of use, too"


def test_few_documents_promise_nothing_and_say_how_many_it_takes() -> None:
    validation = from_perturbed(6)
    few = from_perturbed(3, documents=10)
    few = replace(few, right=np.ones_like(few.right))
    found = promise(few, validation, Claim(0.9, 0.9), "document")
    assert found.threshold is None
    assert found.tested < found.needed == 22
    many = from_perturbed(3, documents=60)
    many = replace(many, right=np.ones_like(many.right))
    sure = promise(many, validation, Claim(0.9, 0.9), "document")
    assert sure.threshold is not None
    assert sure.threshold >= 0.5


def test_a_document_needs_a_person_where_a_high_value_mention_is_unsure_or_there_is_none() -> None:
    decisions = {one.document: one for one in decide(HAND, 0.8, RULE)}
    assert decisions["d0"].decision == "review"
    assert (decisions["d0"].high_value, decisions["d0"].unsure) == (2, 1)
    assert decisions["d0"].others_sure == 1
    assert decisions["d1"].decision == "auto"
    assert decisions["d1"].others_sure == 0
    lenient = decide(HAND, 0.8, Rule(("Medication",), 0.5))
    assert [one.decision for one in lenient] == ["auto", "auto"]
    absent = decide(HAND, 0.8, Rule(("Disease_disorder",)))
    assert [one.decision for one in absent] == ["review", "review"]


def test_automation_never_grows_with_the_threshold() -> None:
    rates = automation(from_perturbed(4), THRESHOLDS, RULE)
    shares = [one.documents.estimate for one in rates]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
    assert all(0 <= one.documents.low <= one.documents.high <= 1 for one in rates)
    (by_hand,) = automation(HAND, [0.8], RULE)
    assert by_hand.documents.estimate == 0.5
    assert by_hand.precision.estimate == 1
    assert by_hand.recall.estimate == 0.5
    assert by_hand.mentions == pytest.approx(3 / 5)


def test_risk_goes_by_how_wrong_it_may_be_and_not_by_how_wrong_it_was() -> None:
    rows = [(at % 2, "Medication", 0.9, True) for at in range(4)]
    rows += [(at % 2, "Age", 0.9, True) for at in range(100)]
    few, many = type_risks(by_hand(rows), 0.85)
    assert (few.wrong, few.risk) == (0, "high")
    assert (many.wrong, many.risk) == (0, "low")
    rows += [(0, "Age", 0.9, False)] * 12
    _, worse = type_risks(by_hand(rows), 0.85)
    assert worse.risk == "moderate"
    assert worse.per_hundred == 600
    unseen, _ = type_risks(by_hand(rows), 0.95)
    assert unseen.risk == "unseen"
