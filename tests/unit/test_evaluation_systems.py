"""Several systems on the same notes, as JSON and refused where there is nothing to score."""

import json

import numpy as np
import pytest

from thce.errors import InputError
from thce.evaluation.results import BundleVersion, RoundResult
from thce.evaluation.systems import evaluate_systems

NAMES = ["bal", "ipc", "blvr"]


def notes(seed: int = 0, count: int = 40) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    label = (rng.random((count, 3)) < [0.5, 0.3, 0.0]).astype(np.int8)
    label[::9, 1] = -1
    rules = np.where(label == 1, rng.random(label.shape) < 0.6, rng.random(label.shape) < 0.1)
    model = np.where(label == 1, rng.random(label.shape) < 0.9, rng.random(label.shape) < 0.1)
    return label, {"model": model, "rules": rules, "union": model | rules}


def test_first_system_is_compared_with_every_other() -> None:
    label, predictions = notes()
    found = evaluate_systems(label, predictions, NAMES)
    assert found.main.name == "model"
    assert [(one.metric, one.a, one.b) for one in found.comparisons] == [
        ("micro_f1", "model", "rules"),
        ("micro_f1", "model", "union"),
        ("macro_f1", "model", "rules"),
        ("macro_f1", "model", "union"),
    ]
    rules = found.system("rules")
    assert rules is not None
    gap = found.main.score.micro_f1 - rules.score.micro_f1
    assert found.comparisons[0].difference.estimate == pytest.approx(gap)
    assert found.system("previous") is None


def test_intervals_surround_the_scores_they_belong_to() -> None:
    found = evaluate_systems(*notes(), NAMES)
    for system in found.systems:
        assert system.micro_f1.estimate == pytest.approx(system.score.micro_f1)
        assert system.macro_f1.estimate == pytest.approx(system.score.macro_f1)
        assert system.micro_f1.low < system.score.micro_f1 < system.micro_f1.high
        assert system.score.macro_labels == ("bal", "ipc")
        for label, one in zip(system.score.labels, system.label_f1, strict=True):
            assert one.estimate == pytest.approx(label.f1, nan_ok=True)


def test_json_holds_null_and_never_nan() -> None:
    label, predictions = notes()
    found = evaluate_systems(label, {"model": predictions["model"] & (label == 1)}, NAMES)
    one = RoundResult(0, 0, 12, found, 0, 0, BundleVersion("1", "f00"))
    content = json.loads(json.dumps(one.to_dict(), allow_nan=False))
    assert content["disagreement"]["estimate"] is None
    assert content["evaluation"]["systems"][0]["label_f1"][2]["estimate"] is None
    assert content["evaluation"]["systems"][0]["score"]["labels"][2]["name"] == "blvr"


def test_notes_without_a_known_label_are_refused() -> None:
    label, predictions = notes()
    with pytest.raises(InputError, match="no note has a known label"):
        evaluate_systems(np.full_like(label, -1), predictions, NAMES)
    with pytest.raises(InputError, match="no note has a known label"):
        evaluate_systems(label[:0], {"model": predictions["model"][:0]}, NAMES)
