"""One worker's copy of the model under plain, DDP or DeepSpeed ZeRO training.

The loop above knows nothing of how gradients meet; these classes know nothing of the task.
Losses arrive already divided by the global weight of the step, so that summing their gradients
over workers and micro-batches gives the gradient of the global loss.
"""

import copy
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from thce.files import read_json
from thce.training.deepspeed_output import deepspeed_to_stderr


class Replica(Protocol):
    """What the training loop asks of a worker's copy."""

    module: nn.Module
    """Call this for forward passes that learn."""

    judged: nn.Module
    """Call this to evaluate: the same, or the average of its weights over the steps."""

    def backward(self, loss: Tensor, *, last: bool) -> None:
        """Adds the gradient of a micro-batch; `last` ends the accumulation of the step."""

    def step(self, rates: list[float]) -> None:
        """Clips, updates the weights with one learning rate per parameter group, and resets."""

    def weights(self) -> dict[str, Tensor]:
        """The full weights on the CPU; collective, meaningful on rank 0."""

    def save(self, folder: Path) -> None:
        """Writes this worker's part of the state needed to resume; collective."""

    def load(self, folder: Path) -> None:
        """Reads what `save` wrote; collective."""


class PlainReplica:
    """One process, or DistributedDataParallel over several."""

    def __init__(
        self,
        model: nn.Module,
        groups: list[dict[str, Any]],
        clip: float,
        world_size: int,
        device: torch.device,
        average: float = 0.0,
    ) -> None:
        """Wraps the model and builds AdamW over the parameter groups.

        Args:
            model: the full model.
            groups: AdamW parameter groups.
            clip: largest gradient norm.
            world_size: number of workers.
            device: this worker's device.
            average: decay of an exponential average of the weights that is kept beside them,
                evaluated and returned in their place (Polyak and Juditsky 1992); 0 keeps none.
        """
        self.model = model.to(device)
        self.world_size = world_size
        self.clip = clip
        self.module: nn.Module = self.model
        if world_size > 1:
            ids = [device.index] if device.type == "cuda" else None
            self.module = nn.parallel.DistributedDataParallel(self.model, device_ids=ids)
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, fused=True)
        self.average = average
        self.steps = 0
        self.averaged = copy.deepcopy(self.model) if average > 0 else self.model
        self.judged: nn.Module = self.averaged if average > 0 else self.module

    def backward(self, loss: Tensor, *, last: bool) -> None:
        """DDP averages over workers, so the loss is scaled back to a sum."""
        if self.world_size > 1 and not last:
            with self.module.no_sync():  # type: ignore[operator]
                (loss * self.world_size).backward()
        else:
            (loss * self.world_size).backward()

    def step(self, rates: list[float]) -> None:
        """One AdamW update."""
        _set_rates(self.optimizer, rates)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        if self.average > 0:
            self._average()

    @torch.no_grad()
    def _average(self) -> None:
        """Moves the average towards the weights; its first steps weigh more than the decay says."""
        self.steps += 1
        decay = min(self.average, (1 + self.steps) / (10 + self.steps))
        pairs = zip(self.averaged.parameters(), self.model.parameters(), strict=True)
        for average, value in pairs:
            average.lerp_(value, 1 - decay)

    def weights(self) -> dict[str, Tensor]:
        """A copy on the CPU, averaged where an average is kept."""
        return {
            name: value.detach().cpu().clone() for name, value in self.averaged.state_dict().items()
        }

    def save(self, folder: Path) -> None:
        """Rank 0 writes weights and optimizer state."""
        if _rank() == 0:
            state: dict[str, Any] = {
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            }
            if self.average > 0:
                state |= {"averaged": self.averaged.state_dict(), "steps": self.steps}
            torch.save(state, folder / "replica.pt")

    def load(self, folder: Path) -> None:
        """Every rank reads the one file."""
        device = next(self.model.parameters()).device
        state = torch.load(folder / "replica.pt", map_location=device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.average > 0:
            self.averaged.load_state_dict(state["averaged"])
            self.steps = int(state["steps"])


class DeepSpeedReplica:
    """A DeepSpeed engine: ZeRO stage 1, 2 or 3 as its JSON configuration says."""

    def __init__(
        self,
        model: nn.Module,
        groups: list[dict[str, Any]],
        clip: float,
        world_size: int,
        device: torch.device,
        config: str | Path,
        micro_batch: int,
        accumulation: int,
    ) -> None:
        """Initialises DeepSpeed around the model; `start_deepspeed` must have run before.

        Args:
            model: the full model.
            groups: AdamW parameter groups.
            clip: largest gradient norm.
            world_size: number of workers.
            device: this worker's device.
            config: DeepSpeed JSON; batch sizes in it are overruled.
            micro_batch: examples per forward pass.
            accumulation: micro-batches per step.
        """
        import deepspeed

        settings = read_json(config)
        settings |= {
            "train_micro_batch_size_per_gpu": micro_batch,
            "gradient_accumulation_steps": accumulation,
            "train_batch_size": micro_batch * world_size * accumulation,
            "gradient_clipping": clip,
            "zero_allow_untested_optimizer": True,
        }
        self.scale = world_size * accumulation
        optimizer = torch.optim.AdamW(groups, lr=0.0, fused=True)
        self.engine, self.optimizer, _, _ = deepspeed.initialize(
            model=model.to(device), optimizer=optimizer, config=settings
        )
        self.module: nn.Module = self.engine
        self.judged: nn.Module = self.engine
        self.stage = int(settings.get("zero_optimization", {}).get("stage", 0))

    def backward(self, loss: Tensor, *, last: bool) -> None:
        """The engine averages over workers and micro-batches and counts the latter itself."""
        self.engine.backward(loss * self.scale)
        if not last:
            self.engine.step()

    def step(self, rates: list[float]) -> None:
        """One update by the engine, at the end of its accumulation."""
        _set_rates(self.optimizer, rates)
        self.engine.step()

    def weights(self) -> dict[str, Tensor]:
        """Gathers ZeRO-3 shards; stages 1 and 2 hold the full weights already."""
        import deepspeed

        module = self.engine.module
        with deepspeed.zero.GatheredParameters(list(module.parameters()), enabled=self.stage == 3):
            return {
                name: value.detach().cpu().clone() for name, value in module.state_dict().items()
            }

    def save(self, folder: Path) -> None:
        """Every rank writes its shard."""
        self.engine.save_checkpoint(str(folder), tag="replica")

    def load(self, folder: Path) -> None:
        """Every rank reads its shard.

        Raises:
            FileNotFoundError: the checkpoint was written by other settings.
        """
        loaded, _ = self.engine.load_checkpoint(str(folder), tag="replica")
        if loaded is None:
            raise FileNotFoundError(f"{folder}: no DeepSpeed checkpoint for these settings")


def start_deepspeed(device: torch.device) -> None:
    """Prepares DeepSpeed inside a worker, before the model is built (ZeRO-3 needs the order).

    What it prints goes to standard error: standard output is the report's.
    """
    deepspeed_to_stderr(device.type)
    with redirect_stdout(sys.stderr):
        import deepspeed

        deepspeed.init_distributed(dist_backend="nccl" if device.type == "cuda" else "gloo")


def _set_rates(optimizer: Any, rates: list[float]) -> None:
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def _rank() -> int:
    return torch.distributed.get_rank() if torch.distributed.is_initialized() else 0
