"""What a gate lets through."""

import pytest

from thce.bundles.gate import Difference, Evidence, Gate
from thce.errors import Finding, InputError


def evidence(difference: float, margin: float = 0.02) -> Evidence:
    """Macro F1 of both on a test set, with an interval of the difference."""
    found = Difference(
        candidate=0.6 + difference,
        champion=0.6,
        difference=difference,
        low=difference - margin,
        high=difference + margin,
    )
    return Evidence(
        candidate="b", champion="a", test_fingerprint="0" * 64, metrics={"macro_f1": found}
    )


def test_a_worse_candidate_is_stopped_and_an_equal_or_better_one_is_not() -> None:
    with pytest.raises(Finding, match=r"macro_f1 0\.5900 against 0\.6000, difference -0\.0100"):
        Gate().check(evidence(-0.01))
    Gate().check(evidence(0.0))
    Gate().check(evidence(0.01))


def test_a_gate_can_ask_for_a_gain_or_bear_a_loss() -> None:
    with pytest.raises(Finding, match=r"at least \+0\.0200 asked"):
        Gate(minimum_difference=0.02).check(evidence(0.01))
    Gate(minimum_difference=-0.02).check(evidence(-0.01))


def test_a_gate_on_the_lower_end_asks_more_than_a_better_figure() -> None:
    with pytest.raises(Finding, match=r"lower end \+0\.0000 asked"):
        Gate(minimum_low=0.0).check(evidence(0.01, margin=0.02))
    Gate(minimum_low=0.0).check(evidence(0.03, margin=0.02))


def test_a_metric_that_was_not_measured_is_named() -> None:
    with pytest.raises(InputError, match="no metric 'recall' in the evidence; it holds macro_f1"):
        Gate(metric="recall").check(evidence(0.1))
