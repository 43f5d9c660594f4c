"""When the loop stops: each reason alone, and none of them too early."""

import pytest

from thce.registry.stopping import RoundScores, StoppingRule, reason_to_stop, rounds_without_gain


def _rounds(
    *macro: float, rare: float | None = 0.5, disagreement: float = 0.5
) -> list[RoundScores]:
    return [RoundScores(value, rare, disagreement) for value in macro]


@pytest.mark.parametrize(
    ("macro", "waited"),
    [((0.5,), 0), ((0.5, 0.6, 0.7), 0), ((0.5, 0.5), 1), ((0.5, 0.6, 0.55, 0.601), 2)],
)
def test_rounds_without_gain_are_counted_from_the_best(
    macro: tuple[float, ...], waited: int
) -> None:
    assert rounds_without_gain(StoppingRule(), _rounds(*macro)) == waited


def test_a_plateau_of_two_rounds_stops() -> None:
    rule = StoppingRule()
    assert reason_to_stop(rule, _rounds(0.5, 0.6)) is None
    assert reason_to_stop(rule, _rounds(0.5, 0.6, 0.6)) is None
    reason = reason_to_stop(rule, _rounds(0.5, 0.6, 0.6, 0.59))
    assert reason is not None
    assert "in 2 rounds" in reason


def test_agreement_with_the_record_stops() -> None:
    reason = reason_to_stop(StoppingRule(), _rounds(0.5, disagreement=0.04))
    assert reason == "models and rules disagree on 4.0% of the pool"
    assert (
        reason_to_stop(StoppingRule(disagreement_rate=None), _rounds(0.5, disagreement=0.0)) is None
    )


def test_learned_rare_flags_stop_only_with_a_plateau() -> None:
    rule = StoppingRule()
    assert reason_to_stop(rule, _rounds(0.8, 0.95, rare=0.95)) is None
    assert "rare flags" in str(reason_to_stop(rule, _rounds(0.95, 0.95, rare=0.95)))
    assert reason_to_stop(rule, _rounds(0.95, 0.95, rare=None)) is None
