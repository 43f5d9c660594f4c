"""The training loop of encoders: epochs, schedule, early stopping, checkpoints, resume.

It knows nothing of the task (a `Task` gives losses and scores), nothing of how workers share
gradients (a `Replica` does) and nothing of Ray (a `Reporter` keeps checkpoints).
"""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from thce.training.batches import BatchPlan, Indices
from thce.training.replica import Replica

Metrics = dict[str, Any]


class Task(Protocol):
    """What is learned."""

    def weight(self, batch: Indices) -> float:
        """The weight of a global batch, by which its summed loss is divided."""

    def loss(self, module: nn.Module, examples: Indices) -> Tensor:
        """The summed, not averaged, loss of a micro-batch; zero but connected if it is empty."""

    def evaluate(self, module: nn.Module) -> Metrics:
        """Collective validation; `score` is what early stopping maximises."""


class Reporter(Protocol):
    """Keeps metrics and checkpoints."""

    rank: int
    world_size: int

    def report(self, metrics: Metrics, save: Any | None) -> None:
        """Collective; `save(folder)` writes this worker's files into a folder of its own."""

    def resume_folder(self) -> Any:
        """A context manager that gives the latest checkpoint's folder, or None."""


@dataclass(frozen=True)
class Schedule:
    """Epochs, rates and when to stop.

    Attributes:
        epochs: the most epochs to run.
        rates: peak learning rate per parameter group.
        warmup: share of all steps with a rising rate; then linear decay to zero.
        patience: epochs without a better score before stopping; 0 never stops early.
        checkpoint_every: epochs between resumable checkpoints; 0 keeps only the end.
    """

    epochs: int
    rates: Sequence[float]
    warmup: float = 0.1
    patience: int = 3
    checkpoint_every: int = 1

    def factor(self, step: int, total: int) -> float:
        """The share of the peak rate at a step, counted from 0."""
        rising = max(1, math.ceil(self.warmup * total))
        if step < rising:
            return (step + 1) / rising
        return max(0.0, (total - step) / max(1, total - rising))


@dataclass
class Progress:
    """What a resumed run must know; JSON beside the weights."""

    epoch: int = 0
    best_score: float = -math.inf
    best_epoch: int = 0
    history: list[Metrics] = field(default_factory=list)
    finished: bool = False


class Trainer:
    """Runs a schedule over a plan on one worker; all workers run the same code."""

    def __init__(
        self, task: Task, replica: Replica, plan: BatchPlan, schedule: Schedule, reporter: Reporter
    ) -> None:
        """Joins the parts; `run` starts."""
        self.task = task
        self.replica = replica
        self.plan = plan
        self.schedule = schedule
        self.reporter = reporter
        self.progress = Progress()
        self.best: dict[str, Tensor] = {}

    def run(self) -> Progress:
        """Trains to the end or to early stopping; afterwards `best` holds the best weights."""
        self._resume()
        while not self.progress.finished:
            metrics = self._epoch(self.progress.epoch)
            self.progress.epoch += 1
            self._judge(metrics)
            self.progress.history.append(metrics)
            every = self.schedule.checkpoint_every
            due = every > 0 and self.progress.epoch % every == 0 and not self.progress.finished
            self.reporter.report(metrics, self._save if due else None)
        return self.progress

    def _epoch(self, number: int) -> Metrics:
        started = time.perf_counter()
        # Dropout starts anew every epoch, so that a resumed run draws what it would have drawn.
        draws = np.random.default_rng([self.plan.seed, number, self.reporter.rank])
        torch.manual_seed(int(draws.integers(2**31)))
        self.replica.module.train()
        losses = [
            self._step(batch, number * self.plan.steps_per_epoch + position)
            for position, batch in enumerate(self.plan.epoch(number))
        ]
        trained = time.perf_counter()
        self.replica.judged.eval()
        metrics = self.task.evaluate(self.replica.judged)
        return {
            "epoch": number + 1,
            "train_loss": float(np.mean(losses)),
            **metrics,
            "train_seconds": round(trained - started, 3),
            "seconds": round(time.perf_counter() - started, 3),
        }

    def _step(self, batch: Indices, step: int) -> float:
        """One optimizer step over a global batch; returns its global loss."""
        weight = max(self.task.weight(batch), 1e-12)
        parts = self.plan.share(batch, self.reporter.rank, self.reporter.world_size)
        total = torch.zeros((), dtype=torch.float64)
        for position, examples in enumerate(parts):
            loss = self.task.loss(self.replica.module, examples) / weight
            self.replica.backward(loss, last=position == len(parts) - 1)
            total += loss.detach().double().cpu()
        steps = self.schedule.epochs * self.plan.steps_per_epoch
        factor = self.schedule.factor(step, steps)
        self.replica.step([rate * factor for rate in self.schedule.rates])
        return sum_over_workers(total, self.reporter.world_size)

    def _judge(self, metrics: Metrics) -> None:
        """Keeps the best weights and decides whether to stop."""
        progress = self.progress
        if metrics["score"] > progress.best_score:
            progress.best_score = float(metrics["score"])
            progress.best_epoch = progress.epoch
            self.best = self.replica.weights()
        waited = progress.epoch - progress.best_epoch
        patience = self.schedule.patience
        progress.finished = progress.epoch >= self.schedule.epochs or 0 < patience <= waited

    def _save(self, folder: Path) -> None:
        self.replica.save(folder)
        if self.reporter.rank == 0:
            from safetensors.torch import save_file

            save_file(
                {name: value.contiguous() for name, value in self.best.items()},
                folder / "best.safetensors",
            )
            (folder / "progress.json").write_text(json.dumps(asdict(self.progress)))

    def _resume(self) -> None:
        with self.reporter.resume_folder() as folder:
            if folder is None:
                return
            from safetensors.torch import load_file

            self.replica.load(folder)
            self.best = load_file(folder / "best.safetensors")
            self.progress = Progress(**json.loads((folder / "progress.json").read_text()))


def sum_over_workers(value: Tensor, world_size: int) -> float:
    """The sum of a scalar over all workers; collective where there are several."""
    if world_size > 1:
        on_device = value.float().to("cuda") if _nccl() else value
        torch.distributed.all_reduce(on_device)
        return float(on_device)
    return float(value)


def _nccl() -> bool:
    return torch.distributed.get_backend() == "nccl"
