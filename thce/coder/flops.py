"""How much arithmetic training does, and how much the device could do.

Model FLOPs as in PaLM's appendix B (Chowdhery et al. 2022): two per weight and token forward, four
backward, and attention's products over the causal half. Work that is done twice (checkpointing) or
on padding does not count, and the vocabulary is counted only where an answer is scored.
"""

import time
from dataclasses import dataclass
from typing import Any

import torch

FORWARD, BOTH = 2, 6
"""FLOPs per weight and token of a forward pass, and of a forward and a backward pass."""


@dataclass(frozen=True)
class ModelSize:
    """What the arithmetic of a decoder follows.

    Attributes:
        body: weights of all layers, without embeddings.
        head: weights of the output projection.
        layers: decoder layers.
        width: heads times head size.
    """

    body: int
    head: int
    layers: int
    width: int

    @classmethod
    def of(cls, model: Any) -> "ModelSize":
        """Measures a transformers causal language model, adapters not counted."""
        config = model.config
        heads = config.num_attention_heads
        size = getattr(config, "head_dim", None) or config.hidden_size // heads
        embeddings = model.get_input_embeddings().weight
        body = sum(
            weight.numel()
            for name, weight in model.named_parameters()
            if weight.shape != embeddings.shape and "lora_" not in name
        )
        return cls(body, embeddings.numel(), config.num_hidden_layers, heads * size)

    def flops(self, tokens: int, scored: int, squares: int, per_weight: int) -> float:
        """Model FLOPs of a batch.

        Args:
            tokens: tokens read, without padding.
            scored: tokens whose probability is asked for.
            squares: sum of the squared lengths of the sequences.
            per_weight: FORWARD or BOTH.
        """
        products = self.body * tokens + self.head * scored
        # Two products of length x length x width, half of each causal.
        attention = self.layers * self.width * squares
        return float(per_weight * (products + attention))


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of one large square product on this device, the best of three timings of several."""
    size, repeats = (8192, 10) if device.type == "cuda" else (1024, 4)
    left = torch.randn(size, size, device=device).to(dtype)
    right = torch.randn(size, size, device=device).to(dtype)
    seconds = [_timed(left, right, repeats) for _ in range(4)][1:]
    return 2.0 * size**3 * repeats / min(seconds)


def _timed(left: torch.Tensor, right: torch.Tensor, repeats: int) -> float:
    if left.device.type == "cuda":
        torch.cuda.synchronize(left.device)
    started = time.perf_counter()
    for _ in range(repeats):
        left @ right
    if left.device.type == "cuda":
        torch.cuda.synchronize(left.device)
    return time.perf_counter() - started
