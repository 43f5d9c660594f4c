"""What a report says follows from the numbers, and never more than they bear."""

import math

import pytest

from thce.evaluation.comparison import Comparison
from thce.evaluation.intervals import Interval
from thce.evaluation.results import Provenance
from thce.evaluation.wording import (
    counted,
    describe_comparison,
    describe_provenance,
    number,
    p_value,
    percent,
    signed,
    verdict,
)


def comparison(estimate: float, low: float, high: float, p: float) -> Comparison:
    return Comparison("micro_f1", "model", "rules", Interval(estimate, low, high), p / 2, p)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (comparison(0.05, 0.01, 0.09, 0.01), "evidence that the model is better"),
        (comparison(-0.05, -0.09, -0.01, 0.01), "evidence that the model is worse"),
        (comparison(0.05, -0.01, 0.11, 0.2), "includes zero: no evidence of a difference"),
        (comparison(0.05, 0.001, 0.1, 0.07), "weak evidence that the model is better"),
        (comparison(0.05, -0.001, 0.1, 0.04), "includes zero although the test rejects it"),
        (comparison(0.0, 0.0, 0.0, 1.0), "no difference at all on these notes"),
        (comparison(math.nan, math.nan, math.nan, 1.0), "nothing to compare"),
    ],
)
def test_verdict_claims_no_more_than_interval_and_test_together(found, said: str) -> None:
    assert said in verdict(found)
    if "weak" in said or "no " in said or "nothing" in said:
        assert not verdict(found).startswith("evidence")


def test_comparison_gives_the_corrected_p_value() -> None:
    text = describe_comparison(comparison(0.05, -0.01, 0.11, 0.2)).replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert text == (
        "Micro F1 of the model against the rules: difference +0.050, interval \N{MINUS SIGN}0.010 "
        "to +0.110, p = 0.200; the interval of the difference includes zero: no evidence of a "
        "difference."
    )


@pytest.mark.parametrize(
    ("fictional", "reviewed", "said"),
    [
        (True, False, "The notes are fictional and no clinician reviewed the labels: the figures"),
        (False, False, "no clinician reviewed the labels: the figures show how the software"),
        (False, True, "The notes are not marked as fictional and a clinician reviewed the labels."),
    ],
)
def test_fictional_or_unreviewed_labels_are_called_so(
    fictional: bool, reviewed: bool, said: str
) -> None:
    assert said in describe_provenance(Provenance("gold", "notes", fictional, reviewed))


def test_numbers_as_readers_see_them() -> None:
    hard = "\N{NO-BREAK SPACE}"
    assert (number(0.12345), number(math.nan)) == ("0.123", "\N{EN DASH}")
    assert (signed(-0.01), signed(0.01)) == ("\N{MINUS SIGN}0.010", "+0.010")
    assert percent(0.1234) == f"12.3{hard}%"
    assert (p_value(0.0004), p_value(0.04)) == (f"p{hard}<{hard}0.001", f"p{hard}={hard}0.040")
    assert (counted(1, "note"), counted(1200, "note")) == ("1 note", "1,200 notes")
