"""The sentence at the top of the report says what the figures say, whatever they are."""

import numpy as np
import pytest

from thce.bench.label_curves import Curves, summarise
from thce.bench.label_efficiency import Setting
from thce.bench.label_report import _finding

SETTING = Setting("skewed", "form and codes")


def finding(**lifts: float) -> str:
    """The sentence where random climbs from 0.3 to 0.6 and others lie above it by a constant."""
    course = np.array([0.3, 0.4, 0.5, 0.6])
    lifted = np.array([[course + lift] * 2 for lift in (0.0, *lifts.values())])
    curves = Curves(
        ("random", *lifts), np.array([20, 30, 40, 50]), np.tile(lifted, (3, 2, 1, 1, 1))
    )
    return _finding(SETTING, summarise(curves, resamples=20), 50)


@pytest.mark.parametrize(
    ("lifts", "said"),
    [
        (
            {"hybrid": 0.1, "rare_boost": 0.15},
            "the strategy rare flags needs 35 notes for it, 70.0 % of random's (70.0 % to 70.0 %), "
            "which misses the aim of 60.0 %. Its macro F1 averaged over the budget is +0.150 ",
        ),
        (
            {"hybrid": 0.2},
            "the strategy hybrid needs 30 notes for it, 60.0 % of random's (60.0 % to 60.0 %), "
            "which meets the aim",
        ),
        (
            {"hybrid": -0.2, "rare_boost": -0.1},
            "no other strategy gets there for good. The one with the highest macro F1 averaged "
            "over the budget, rare flags, is \N{MINUS SIGN}0.100 against random's",
        ),
        ({}, "brings the model alone to macro F1 0.600; no other strategy was played."),
    ],
)
def test_the_finding_names_the_strategy_that_its_figures_are_of(lifts, said) -> None:
    assert said in finding(**lifts).replace("\N{NO-BREAK SPACE}", " ")
