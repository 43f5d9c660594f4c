"""The promised precision holds as often as promised, and nothing is promised without evidence."""

import numpy as np
import pytest

from thce.evaluation.fixed_sequence import Claim, Cutoff, certified_cutoff, lower_bound

CLAIM = Claim(precision=0.9, confidence=0.8)


def rate(score: np.ndarray, fall: float) -> np.ndarray:
    """The chance that a decision with this score is right: near 1 above, worse below."""
    return 1 - fall / (1 + np.exp(score))


def certify(score: np.ndarray, right: np.ndarray, note: np.ndarray, seed: int = 0) -> Cutoff:
    keys = np.random.default_rng(seed).integers(2**63, size=len(score), dtype=np.uint64)
    return certified_cutoff(score, right, note, keys, CLAIM)


def true_precision(cutoff: float, fall: float) -> float:
    score = np.random.default_rng(99).exponential(2.0, 200_000)
    return float(rate(score[score >= cutoff], fall).mean())


@pytest.mark.parametrize("fall", [0.3, 0.5, 0.9])
def test_independent_decisions_keep_the_promise(fall: float) -> None:
    """Broken promises in at most 20 % of draws; 300 draws have a standard error of 2.3 %."""
    rng = np.random.default_rng(3)
    broken = passed = 0
    for _ in range(300):
        score = rng.exponential(2.0, 250)
        right = rng.random(250) < rate(score, fall)
        found = certify(score, right, np.arange(250))
        if found.score is not None:
            passed += 1
            broken += true_precision(found.score, fall) < CLAIM.precision
    assert broken / 300 <= 0.2
    assert passed > 100, "the promise must be of use, too"


def test_decisions_of_one_note_that_fail_together_keep_the_promise() -> None:
    """Half of the notes have six decisions, right or wrong as one; the true precision is 0.88."""
    rng = np.random.default_rng(4)
    broken = naive = 0
    for _ in range(400):
        note = np.repeat(np.arange(150), 6)
        right = np.repeat(rng.random(150) < 0.88, 6)
        score = np.full(900, 3.0)
        broken += certify(score, right, note).score is not None
        naive += certify(score, right, np.arange(900)).score is not None
    assert broken / 400 <= 0.2
    assert naive > broken, "counting such decisions as independent breaks it more often"


def test_what_is_plainly_right_is_accepted_down_to_where_it_is_not() -> None:
    rng = np.random.default_rng(5)
    score = np.concatenate([rng.uniform(2.1, 5, 300), rng.uniform(0, 1.9, 100)])
    right = np.concatenate([np.ones(300, bool), np.zeros(100, bool)])
    found = certify(score, right, np.arange(400))
    assert found.score is not None
    assert 1.5 <= found.score <= 2.25
    assert found.lower_bound >= CLAIM.precision


def test_too_few_decisions_abstain_even_without_an_error() -> None:
    few = CLAIM.fewest - 1
    found = certify(np.full(few, 5.0), np.ones(few, bool), np.arange(few))
    assert (found.score, found.decisions, found.right) == (None, few, few)
    enough = certify(np.full(few + 1, 5.0), np.ones(few + 1, bool), np.arange(few + 1))
    assert enough.score == 0.0
    together = certify(np.full(900, 5.0), np.ones(900, bool), np.repeat(np.arange(9), 100))
    assert together.score is None, "nine notes are nine observations"


def test_no_decision_at_all_abstains() -> None:
    nothing = np.zeros(0)
    found = certify(nothing, nothing.astype(bool), nothing.astype(int))
    assert (found.score, found.decisions, found.lower_bound) == (None, 0, 0.0)


def test_the_bound_is_clopper_and_pearsons() -> None:
    """Published: 10 of 10 at one-sided 0.025 is 0.6915; 81 of 263 is 0.2527."""
    assert lower_bound(10, 10, 0.025) == pytest.approx(0.6915, abs=1e-4)
    assert lower_bound(81, 263, 0.025) == pytest.approx(0.2527, abs=1e-4)
    assert lower_bound(0, 10, 0.025) == 0.0
