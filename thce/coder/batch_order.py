"""The order of training: the shared batch plan as what TRL's trainers iterate over.

Every worker runs the same number of micro-batches in each step. Where the examples of a step run
out, a worker gets the first example once more with weight zero, so that nothing counts twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import TrainerCallback

from thce.coder.encode import IGNORED, Encoded, EncodedPair
from thce.coder.fitted import trainer_row
from thce.training.batches import BatchPlan

Example = Encoded | EncodedPair
Key = tuple[int, float]


@dataclass(frozen=True)
class Tally:
    """What a micro-batch holds; it travels with the batch, so that counting waits for no device.

    Attributes:
        examples: examples that count.
        tokens: their tokens, without padding.
        scored: tokens of their answers.
        squares: sum of the squared lengths of their sequences, which attention's work follows.
        share: what the mean loss of the micro-batch weighs in the mean of its step; 1 where all
            micro-batches are full.
    """

    examples: int
    tokens: int
    scored: int
    squares: int
    share: float


class PlannedBatches(Sampler[list[Key]]):
    """The micro-batches of one worker: positions of examples, each with the batch's share."""

    def __init__(self, plan: BatchPlan, rank: int, world_size: int) -> None:
        """Starts at epoch 0; `epoch` chooses another."""
        self.plan = plan
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0

    def __len__(self) -> int:
        return self.plan.steps_per_epoch * self.plan.micro_batches(self.world_size)

    def __iter__(self) -> Iterator[list[Key]]:
        slots = self.plan.micro_batches(self.world_size) * self.world_size
        for batch in self.plan.epoch(self.epoch):
            for part in self.plan.share(batch, self.rank, self.world_size):
                share = len(part) * slots / len(batch)
                yield [(int(position), share) for position in part]


class EpochOrder(TrainerCallback):
    """Tells the sampler which epoch begins; a resumed run begins within one."""

    def __init__(self, batches: PlannedBatches) -> None:
        """Takes the sampler that the dataloader iterates over."""
        self.batches = batches

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **others: Any) -> None:
        """Called by the trainer before it iterates."""
        self.batches.epoch = int(state.epoch or 0)


class KeyedExamples(Dataset[tuple[Example, float]]):
    """Examples by position, each handed out with the share of its batch."""

    def __init__(self, examples: Sequence[Example]) -> None:
        """Takes the examples in the order of the plan's lengths."""
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, key: Key) -> tuple[Example, float]:
        position, share = key
        return self.examples[position], share


@dataclass(frozen=True)
class TalliedCollate:
    """The trainer's own collator, with the tally of the batch.

    Attributes:
        collate: makes tensors of rows.
        filler: an example for a batch that has none.
    """

    collate: Callable[[list[dict[str, Any]]], dict[str, Any]]
    filler: Example

    def __call__(self, keyed: list[tuple[Example, float]]) -> dict[str, Any]:
        """A batch of tensors and `tally`."""
        examples = [example for example, _ in keyed]
        rows = [trainer_row(example) for example in examples] or [_weightless(self.filler)]
        share = keyed[0][1] if keyed else 0.0
        return {**self.collate(rows), "tally": _tally(examples, share)}


def planned_loader(
    batches: PlannedBatches, examples: Sequence[Example], collate: Any, workers: int, pin: bool
) -> DataLoader[tuple[Example, float]]:
    """A loader of this worker's micro-batches; `workers` processes collate ahead."""
    return DataLoader(
        KeyedExamples(examples),
        batch_sampler=batches,
        collate_fn=TalliedCollate(collate, examples[0]),
        num_workers=workers,
        pin_memory=pin,
    )


def sequences(example: Example) -> list[int]:
    """Lengths of the sequences that the model reads for an example: one, or two for a pair."""
    if isinstance(example, Encoded):
        return [len(example.ids)]
    prompt = len(example.prompt)
    return [prompt + len(example.chosen), prompt + len(example.rejected)]


def _tally(examples: list[Example], share: float) -> Tally:
    lengths = [length for example in examples for length in sequences(example)]
    scored = sum(
        len(one.ids) - one.answer_at
        if isinstance(one, Encoded)
        else len(one.chosen) + len(one.rejected)
        for one in examples
    )
    squares = int(np.square(np.asarray(lengths, dtype=np.int64)).sum())
    return Tally(len(examples), sum(lengths), scored, squares, share)


def _weightless(example: Example) -> dict[str, Any]:
    """An example that fills a batch and teaches nothing."""
    row = trainer_row(example)
    if isinstance(example, Encoded):
        row["labels"] = [IGNORED] * len(example.ids)
    return row
