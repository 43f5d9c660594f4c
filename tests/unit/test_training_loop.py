"""The loop: schedule, early stopping, the best weights kept, and resuming without a seam."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thce.training.batches import BatchPlan
from thce.training.loop import Schedule, Trainer
from thce.training.replica import PlainReplica
from thce.training.reporters import LocalReporter


class _Line:
    """Fits y = 2x by summed squares; scores by a script or by closeness."""

    def __init__(self, scores: list[float] | None = None) -> None:
        rng = np.random.default_rng(0)
        self.x = torch.from_numpy(rng.normal(size=(24, 1)).astype(np.float32))
        self.scores = scores
        self.evaluated = 0

    def weight(self, batch: np.ndarray) -> float:
        return float(len(batch))

    def loss(self, module: nn.Module, examples: np.ndarray) -> Tensor:
        x = self.x[examples]
        return ((module(x) - 2 * x) ** 2).sum()

    def evaluate(self, module: nn.Module) -> dict[str, Any]:
        self.evaluated += 1
        if self.scores is not None:
            return {"score": self.scores[self.evaluated - 1]}
        with torch.no_grad():
            return {"score": -float(((module(self.x) - 2 * self.x) ** 2).sum())}


def _trainer(
    folder: Path,
    scores: list[float] | None = None,
    *,
    epochs: int = 6,
    micro: int = 8,
    **options: Any,
) -> Trainer:
    torch.manual_seed(0)
    model = nn.Linear(1, 1)
    groups = [{"params": list(model.parameters()), "weight_decay": 0.0}]
    schedule = Schedule(epochs, [0.1], **{"patience": 0} | options)
    return Trainer(
        _Line(scores),
        PlainReplica(model, groups, 1.0, 1, torch.device("cpu")),
        BatchPlan([1] * 24, 8, micro, 42),
        schedule,
        LocalReporter(folder),
    )


def test_the_rate_rises_then_falls_to_zero() -> None:
    schedule = Schedule(10, [1.0], warmup=0.2)
    factors = [schedule.factor(step, 100) for step in range(101)]
    assert factors[19] == 1.0
    assert all(a < b for a, b in pairwise(factors[:20]))
    assert all(a > b for a, b in pairwise(factors[20:]))
    assert factors[100] == 0.0


def test_it_learns_and_reports_every_epoch(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, epochs=12)
    progress = trainer.run()
    losses = [row["train_loss"] for row in progress.history]
    assert len(losses) == 12
    assert losses[-1] < 0.2 * losses[0]


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    trainer = _trainer(tmp_path, [0.1, 0.5, 0.4, 0.3, 0.9, 0.9], patience=2)
    progress = trainer.run()
    assert (progress.epoch, progress.best_epoch, progress.best_score) == (4, 2, 0.5)
    final = trainer.replica.weights()["weight"]
    assert not torch.equal(trainer.best["weight"], final)


def test_micro_batches_do_not_change_the_losses(tmp_path: Path) -> None:
    whole = _trainer(tmp_path / "a", micro=8).run()
    parts = _trainer(tmp_path / "b", micro=3).run()
    for one, other in zip(whole.history, parts.history, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-5)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole = _trainer(tmp_path / "whole")
    expected = whole.run()

    interrupted = _trainer(tmp_path / "cut")

    class _KilledError(Exception):
        pass

    report = interrupted.reporter.report

    def killed_after_three(metrics: dict[str, Any], save: Any) -> None:
        report(metrics, save)
        if metrics["epoch"] == 3:
            raise _KilledError

    interrupted.reporter.report = killed_after_three  # type: ignore[method-assign]
    with pytest.raises(_KilledError):
        interrupted.run()
    resumed = _trainer(tmp_path / "cut")
    found = resumed.run()
    assert [row["epoch"] for row in found.history] == [1, 2, 3, 4, 5, 6]
    losses = [[row["train_loss"] for row in run.history] for run in (found, expected)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    assert torch.allclose(resumed.best["weight"], whole.best["weight"])
