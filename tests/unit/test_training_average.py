"""The average of the weights: what is evaluated and kept, and what a resumed run goes on with."""

from pathlib import Path

import torch
from torch import nn

from thce.training.replica import PlainReplica

CPU = torch.device("cpu")


def replica(average: float) -> PlainReplica:
    torch.manual_seed(0)
    model = nn.Linear(3, 1)
    return PlainReplica(model, [{"params": list(model.parameters())}], 1.0, 1, CPU, average)


def learn(one: PlainReplica, steps: int, seed: int = 1) -> list[torch.Tensor]:
    """Takes steps and returns the weights after each."""
    draws = torch.Generator().manual_seed(seed)
    seen = []
    for _ in range(steps):
        one.backward(one.module(torch.randn(8, 3, generator=draws)).pow(2).sum(), last=True)
        one.step([0.1])
        seen.append(one.model.weight.detach().clone())
    return seen


def test_the_average_is_that_of_the_steps() -> None:
    one = replica(0.5)
    start = one.model.weight.detach().clone()
    expected = start
    for step, weight in enumerate(learn(one, 20), start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    torch.testing.assert_close(one.weights()["weight"], expected)
    torch.testing.assert_close(one.judged.weight, expected)  # type: ignore[arg-type]
    assert not torch.allclose(one.model.weight, expected)


def test_without_an_average_the_last_weights_are_judged() -> None:
    one = replica(0.0)
    learn(one, 3)
    assert one.judged is one.module
    torch.testing.assert_close(one.weights()["weight"], one.model.weight)


def test_a_resumed_replica_goes_on_with_its_average(tmp_path: Path) -> None:
    whole, begun, resumed = replica(0.9), replica(0.9), replica(0.9)
    learn(whole, 5, seed=1)
    learn(whole, 5, seed=2)
    learn(begun, 5, seed=1)
    begun.save(tmp_path)
    resumed.load(tmp_path)
    learn(resumed, 5, seed=2)
    torch.testing.assert_close(resumed.weights(), whole.weights())
    torch.testing.assert_close(resumed.model.state_dict(), whole.model.state_dict())
