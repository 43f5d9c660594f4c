"""The loop: schedule, early stopping, the best weights kept, and resuming without a seam."""

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from small_loop import doubling_trainer, losses, run_until_killed

from thce.training.loop import Schedule


def test_the_rate_rises_then_falls_to_zero() -> None:
    schedule = Schedule(10, [1.0], warmup=0.2)
    factors = [schedule.factor(step, 100) for step in range(101)]
    assert factors[19] == 1.0
    assert all(a < b for a, b in pairwise(factors[:20]))
    assert all(a > b for a, b in pairwise(factors[20:]))
    assert factors[100] == 0.0


def test_it_learns_and_reports_every_epoch(tmp_path: Path) -> None:
    trainer = doubling_trainer(tmp_path, epochs=12)
    trainer.run()
    assert len(losses(trainer)) == 12
    assert losses(trainer)[-1] < 0.2 * losses(trainer)[0]


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path) -> None:
    trainer = doubling_trainer(tmp_path, [0.1, 0.5, 0.4, 0.3, 0.9, 0.9], patience=2)
    progress = trainer.run()
    assert (progress.epoch, progress.best_epoch, progress.best_score) == (4, 2, 0.5)
    final = trainer.replica.weights()
    assert final.keys() == trainer.best.keys()
    assert not any(torch.equal(trainer.best[name], final[name]) for name in final)


def test_micro_batches_do_not_change_the_losses(tmp_path: Path) -> None:
    whole, parts = (doubling_trainer(tmp_path / f"{micro}", micro=micro) for micro in (8, 3))
    whole.run()
    parts.run()
    assert losses(parts) == pytest.approx(losses(whole), rel=1e-5)


def test_a_resumed_run_ends_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    whole = doubling_trainer(tmp_path / "whole")
    whole.run()
    run_until_killed(doubling_trainer(tmp_path / "cut"), epoch=3)
    resumed = doubling_trainer(tmp_path / "cut")
    found = resumed.run()
    assert [row["epoch"] for row in found.history] == [1, 2, 3, 4, 5, 6]
    assert losses(resumed) == pytest.approx(losses(whole), rel=1e-6)
    assert all(torch.allclose(resumed.best[name], whole.best[name]) for name in whole.best)
