"""What the registry's model learns: masked, weighted binary cross-entropy over known cells."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thce.registry.encode import NoteEncoder, TokenIds
from thce.registry.labels import FALSE, TRUE, UNKNOWN
from thce.training.batches import Indices
from thce.training.loop import Metrics
from thce.training.precision import autocast

Labels = NDArray[np.int8]
Weights = NDArray[np.float32]


def positive_weights(label: Labels, weight: Weights, cap: float) -> Weights:
    """How much a positive cell counts per flag: negative over positive weight, 1 to `cap`.

    Args:
        label: (n, 29) cells.
        weight: (n, 29) confidence of each cell.
        cap: the most a positive may count; also the value for a flag without positives.
    """
    positive = (weight * (label == TRUE)).sum(0)
    negative = (weight * (label == FALSE)).sum(0)
    return np.clip(negative / np.maximum(positive, 1e-6), 1.0, cap).astype(np.float32)


class RegistryTask:
    """Losses and validation scores of one worker.

    The summed loss is divided (by the training loop) by the confidence of all known cells of
    the global batch, so that neither unknown cells nor the number of workers change it.
    """

    def __init__(
        self,
        encoder: NoteEncoder,
        train: tuple[list[TokenIds], Labels, Weights],
        validation: tuple[list[TokenIds], Labels],
        positive: Weights,
        device: torch.device,
        precision: str,
        rank: int,
        world_size: int,
    ) -> None:
        """Holds encoded notes and cells; arrays are (n, 29)."""
        self.encoder = encoder
        self.tokens, self.label, cell_weight = train
        self.cell_weight = np.where(self.label == UNKNOWN, 0.0, cell_weight).astype(np.float32)
        self.validation_tokens, self.validation_label = validation
        self.positive = torch.from_numpy(positive).to(device)
        self.device = device
        self.precision = precision
        self.rank = rank
        self.world_size = world_size

    def weight(self, batch: Indices) -> float:
        """Confidence summed over the known cells of a global batch."""
        return float(self.cell_weight[batch].sum())

    def loss(self, module: nn.Module, examples: Indices) -> Tensor:
        """Summed masked cross-entropy of a micro-batch."""
        if not len(examples):
            return self._logits(module, [np.array([self.encoder.pad_id])]).sum() * 0.0
        logits = self._logits(module, [self.tokens[index] for index in examples])
        target = torch.from_numpy(self.label[examples] == TRUE).to(self.device, torch.float32)
        weight = torch.from_numpy(self.cell_weight[examples]).to(self.device)
        cells = nn.functional.binary_cross_entropy_with_logits(
            logits, target, pos_weight=self.positive, reduction="none"
        )
        return (cells * weight).sum()

    def evaluate(self, module: nn.Module) -> Metrics:
        """Validation F1 with one threshold for all flags, the best one: what ranks epochs.

        Thresholds per flag come later, cross-fitted; here one pooled threshold keeps the score
        from rewarding noise in rare flags.
        """
        probabilities = self.probabilities(module, self.validation_tokens)
        micro, macro = pooled_f1(probabilities, self.validation_label)
        return {"score": macro, "val_macro_f1": macro, "val_micro_f1": micro}

    @torch.no_grad()
    def probabilities(
        self, module: nn.Module, tokens: Sequence[TokenIds], batch: int = 16
    ) -> NDArray[np.float32]:
        """(n, 29) on every worker; each computes its share, longest notes first."""
        order = np.argsort([-len(ids) for ids in tokens], kind="stable")
        slots = -(-len(order) // self.world_size)
        mine = order[self.rank :: self.world_size]
        padded = np.concatenate([mine, np.repeat(order[-1:], slots - len(mine))])
        found = np.zeros((len(tokens), self.label.shape[1]), dtype=np.float32)
        for start in range(0, len(padded), batch):
            part = padded[start : start + batch]
            logits = self._logits(module, [tokens[index] for index in part])
            found[part] = torch.sigmoid(logits).cpu().numpy()
        if self.world_size == 1:
            return found
        gathered: list[NDArray[np.float32]] = [found] * self.world_size
        torch.distributed.all_gather_object(gathered, found)
        for rank, theirs in enumerate(gathered):
            share = order[rank :: self.world_size]
            found[share] = theirs[share]
        return found

    def _logits(self, module: nn.Module, tokens: Sequence[TokenIds]) -> Tensor:
        input_ids, mask = (
            torch.from_numpy(part).to(self.device) for part in self.encoder.pad(tokens)
        )
        with autocast(self.precision, self.device):
            logits: Tensor = module(input_ids, mask)
        return logits.float()


def pooled_f1(probabilities: NDArray[np.float32], label: Labels) -> tuple[float, float]:
    """Micro F1 and macro F1 (flags with positives) at the one threshold with the best micro F1."""
    known = label != UNKNOWN
    truth = (label == TRUE) & known
    scores = np.where(known, probabilities, -1.0)
    flat = np.sort(scores[known])[::-1]
    if not truth.any():
        return 0.0, 0.0
    order = np.argsort(-scores[known], kind="stable")
    hits = np.cumsum(truth[known][order])
    f1 = 2 * hits / (np.arange(1, len(hits) + 1) + truth.sum())
    predicted = scores >= flat[int(np.argmax(f1))]
    both = (predicted & truth).sum(0)
    per_flag = 2 * both / np.maximum(predicted.sum(0) + truth.sum(0), 1)
    return float(f1.max()), float(per_flag[truth.any(0)].mean())
