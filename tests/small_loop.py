"""A training loop of milliseconds: the real trainer over a task of a few numbers."""

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

EXAMPLES = 24
WIDTH = 4


class Doubling:
    """Fits y = 2x by summed squares; scores by a script or by closeness."""

    def __init__(self, scores: list[float] | None = None) -> None:
        values = np.random.default_rng(0).normal(size=(EXAMPLES, WIDTH))
        self.x = torch.from_numpy(values.astype(np.float32))
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


def doubling_trainer(
    folder: Path,
    scores: list[float] | None = None,
    *,
    dropout: float = 0.0,
    epochs: int = 6,
    micro: int = 8,
    patience: int = 0,
) -> Trainer:
    """A trainer that reports into `folder`, the same weights and batches in every call.

    Args:
        folder: of the checkpoints.
        scores: of the epochs, in place of closeness.
        dropout: between the two layers.
        epochs: of the schedule.
        micro: examples that are computed at once; a step is over 8.
        patience: epochs without a better score after which it stops; 0 for never.
    """
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(WIDTH, 8), nn.Dropout(dropout), nn.Linear(8, WIDTH))
    groups = [{"params": list(model.parameters()), "weight_decay": 0.01}]
    return Trainer(
        Doubling(scores),
        PlainReplica(model, groups, 1.0, 1, torch.device("cpu")),
        BatchPlan([1] * EXAMPLES, 8, micro, 42),
        Schedule(epochs, [0.1], patience=patience),
        LocalReporter(folder),
    )


def losses(finished: Trainer) -> list[float]:
    """Training loss by epoch."""
    return [row["train_loss"] for row in finished.progress.history]


class _KilledError(Exception):
    pass


def run_until_killed(cut: Trainer, epoch: int) -> None:
    """Runs a trainer whose process ends right after the checkpoint of an epoch."""
    report = cut.reporter.report

    def killed(metrics: dict[str, Any], save: Any) -> None:
        report(metrics, save)
        if metrics["epoch"] == epoch:
            raise _KilledError

    cut.reporter.report = killed  # type: ignore[method-assign]
    with pytest.raises(_KilledError):
        cut.run()
