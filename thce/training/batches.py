"""Which examples make up each optimizer step: the same plan for any number of workers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class BatchPlan:
    """Deals examples into global batches of similar length, then into micro-batches.

    The global batches depend on seed and epoch only, so the loss of a step does not depend on
    how many workers share it. Every worker computes the whole plan and takes its own part.

    Attributes:
        lengths: tokens per example.
        global_batch: examples per optimizer step, over all workers.
        micro_batch: examples per forward pass on one worker.
        seed: shuffles examples and batches.
    """

    lengths: Sequence[int]
    global_batch: int
    micro_batch: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in one epoch; the last batch may be smaller."""
        return math.ceil(len(self.lengths) / self.global_batch)

    def epoch(self, number: int) -> list[Indices]:
        """The global batches of an epoch: every example once, neighbours of similar length.

        Examples are shuffled, sorted by length inside pools of 16 batches (less padding, still
        random), cut into batches, and the batches are shuffled.
        """
        rng = np.random.default_rng([self.seed, number])
        order = rng.permutation(len(self.lengths))
        lengths = np.asarray(self.lengths)
        pool = self.global_batch * 16
        batches: list[Indices] = []
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            part = part[np.argsort(lengths[part], kind="stable")]
            batches += [
                part[offset : offset + self.global_batch]
                for offset in range(0, len(part), self.global_batch)
            ]
        return [batches[position] for position in rng.permutation(len(batches))]

    def micro_batches(self, world_size: int) -> int:
        """Forward passes per worker and step: the same for every step, as ZeRO wants it."""
        share = math.ceil(self.global_batch / world_size)
        return math.ceil(share / self.micro_batch)

    def share(self, batch: Indices, rank: int, world_size: int) -> list[Indices]:
        """The micro-batches of one worker for one step; where examples run out some are empty."""
        mine = batch[rank::world_size]
        size = self.micro_batch
        return [
            mine[slot * size : (slot + 1) * size] for slot in range(self.micro_batches(world_size))
        ]
