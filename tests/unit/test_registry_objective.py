"""The registry's loss: unknown cells do not count, confidence weighs, rare positives weigh more."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from thce.registry.labels import FALSE, N_FLAGS, TRUE, UNKNOWN, Flag
from thce.registry.objective import RegistryTask, pooled_f1, positive_weights


class _Bias(nn.Module):
    """Logits that do not look at the note."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(N_FLAGS))

    def forward(self, input_ids: Tensor, mask: Tensor) -> Tensor:
        return self.bias.expand(len(input_ids), -1)


class _Padding:
    pad_id = 0

    def pad(self, tokens: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        ids = np.stack(tokens)
        return ids, np.ones_like(ids)


def _task(label: np.ndarray, weight: np.ndarray, cap: float = 1.0) -> RegistryTask:
    tokens = [np.array([1, 2, 3])] * len(label)
    positive = positive_weights(label, weight, cap)
    return RegistryTask(
        _Padding(),  # type: ignore[arg-type]
        (tokens, label, weight),
        (tokens, label),
        positive,
        torch.device("cpu"),
        "fp32",
        0,
        1,
    )


def test_unknown_cells_give_no_loss_and_no_gradient() -> None:
    label = np.full((4, N_FLAGS), UNKNOWN, np.int8)
    label[:, Flag.BAL.position] = TRUE
    task = _task(label, np.ones(label.shape, np.float32))
    module = _Bias()
    task.loss(module, np.arange(4)).backward()
    touched = np.flatnonzero(module.bias.grad.numpy())  # type: ignore[union-attr]
    assert touched.tolist() == [Flag.BAL.position]
    assert task.weight(np.arange(4)) == 4.0


def test_confidence_weighs_the_cells() -> None:
    label = np.full((2, N_FLAGS), UNKNOWN, np.int8)
    label[0, 3], label[1, 3] = TRUE, FALSE
    weight = np.zeros(label.shape, np.float32)
    weight[0, 3], weight[1, 3] = 0.9, 0.3
    task = _task(label, weight)
    assert task.loss(_Bias(), np.arange(2)).item() == pytest.approx(1.2 * np.log(2))
    assert task.weight(np.arange(2)) == pytest.approx(1.2)


def test_the_micro_batches_of_a_step_sum_to_the_whole() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(-1, 2, (7, N_FLAGS)).astype(np.int8)
    task = _task(label, rng.random(label.shape).astype(np.float32), cap=100)
    module = _Bias()
    whole = float(task.loss(module, np.arange(7)))
    parts = [np.array([0, 4, 2]), np.array([], dtype=np.int64), np.array([1, 3, 5, 6])]
    assert sum(float(task.loss(module, part)) for part in parts) == pytest.approx(whole, rel=1e-5)


def test_rare_positives_weigh_more_up_to_the_cap() -> None:
    label = np.zeros((200, N_FLAGS), np.int8)
    label[:1, 0], label[:50, 1], label[:150, 2] = TRUE, TRUE, TRUE
    found = positive_weights(label, np.ones(label.shape, np.float32), cap=100.0)
    assert found[0] == 100.0
    assert found[1] == pytest.approx(3.0)
    assert found[2] == 1.0
    assert found[3] == 100.0


def test_pooled_f1_finds_the_separating_threshold_and_ignores_unknown() -> None:
    label = np.full((6, N_FLAGS), UNKNOWN, np.int8)
    label[:, 0] = [TRUE, TRUE, FALSE, FALSE, TRUE, FALSE]
    probabilities = np.full((6, N_FLAGS), 0.99, np.float32)
    probabilities[:, 0] = [0.30, 0.28, 0.10, 0.20, 0.40, 0.05]
    assert pooled_f1(probabilities, label) == (1.0, 1.0)
    assert pooled_f1(probabilities, np.zeros_like(label)) == (0.0, 0.0)
