"""What a person reads in a terminal of 80 columns."""

import pytest

from thce.registry.console import print_evaluation
from thce.registry.labels import FLAG_NAMES


def test_no_flag_of_an_evaluation_is_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"estimate": 0.25, "low": 0.1, "high": 0.4}
    score = {"tp": 100, "fn": 0, "fp": 1, "precision": 0.99, "recall": 1.0, "f1": 0.99}
    print_evaluation(
        {
            "notes": 101,
            "model": "0123456789abcdef",
            "weights": "fp32",
            "report": None,
            "systems": [
                {
                    "name": "joint",
                    "micro_f1": value,
                    "macro_f1": value,
                    "score": {"labels": [{"name": name, **score} for name in FLAG_NAMES]},
                }
            ],
            "calibration": {
                "labels": {name: {"error": value, "brier": value} for name in FLAG_NAMES},
                "pooled": {"error": value, "error_if_perfect": 0.03},
            },
        }
    )
    said = capsys.readouterr().out
    assert all(name in said.split() for name in FLAG_NAMES)
    assert "\u2026" not in said
    assert max(len(line) for line in said.splitlines()) <= 80
