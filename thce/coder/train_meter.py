"""What training says of itself: speed, model-FLOPs utilisation and memory between two log lines."""

import resource
import time
from dataclasses import dataclass, field
from typing import Any

import torch

from thce.coder.batch_order import Tally
from thce.coder.flops import BOTH, FORWARD, ModelSize

ADAPTERS = 4
"""FLOPs per frozen weight and token where only adapters learn: no gradient of the weight itself."""


@dataclass
class Meter:
    """Counts what one worker did since the last log line.

    Attributes:
        size: of the model.
        peak: FLOP/s of one device, measured; None leaves utilisation out.
        device: where training runs.
        reference: whether a second model reads every batch too.
        adapters: whether only adapters learn.
    """

    size: ModelSize
    peak: float | None
    device: torch.device
    reference: bool = False
    adapters: bool = False
    _examples: int = 0
    _tokens: int = 0
    _flops: float = 0.0
    _since: float = field(default_factory=time.perf_counter)

    def add(self, tally: Tally) -> None:
        """Counts a micro-batch."""
        work = tally.tokens, tally.scored, tally.squares
        self._examples += tally.examples
        self._tokens += tally.tokens
        self._flops += self.size.flops(*work, ADAPTERS if self.adapters else BOTH)
        if self.reference:
            self._flops += self.size.flops(*work, FORWARD)

    def take(self, accelerator: Any) -> dict[str, float]:
        """Figures of all workers together since the last call; collective."""
        now = time.perf_counter()
        mine = torch.tensor(
            [self._examples, self._tokens, self._flops], dtype=torch.float32, device=self.device
        )
        examples, tokens, flops = (float(v) for v in accelerator.reduce(mine, reduction="sum"))
        seconds = now - self._since
        self._examples, self._tokens, self._flops, self._since = 0, 0, 0.0, now
        figures = {
            "samples_per_second": examples / seconds,
            "tokens_per_second": tokens / seconds,
            "memory_gib": self._memory(),
            "seconds": seconds,
        }
        if self.peak is not None:
            figures["mfu"] = flops / seconds / (self.peak * accelerator.num_processes)
        if self.device.type == "cuda":
            figures |= _gpu_utilisation(self.device)
        return {name: float(f"{value:.5g}") for name, value in figures.items()}

    def restart(self) -> None:
        """Leaves out of the next figures the time that a checkpoint took."""
        self._since = time.perf_counter()

    def _memory(self) -> float:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**30
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _gpu_utilisation(device: torch.device) -> dict[str, float]:
    """Percent of the last second in which a kernel ran, where the driver's library is there."""
    try:
        return {"gpu_utilisation": float(torch.cuda.utilization(device))}
    except (ImportError, RuntimeError):
        return {}
