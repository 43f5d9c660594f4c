"""What the tagger learns: cross-entropy over the first token of every word."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from thce.evaluation.multilabel import micro_f1, precision, recall
from thce.ner.decode import Probabilities, best_tags, tag_names
from thce.ner.scores import strict_counts
from thce.ner.tags import TagSet
from thce.ner.transitions import Transitions
from thce.ner.windows import Encoded, Window, WindowEncoder, join_windows
from thce.training.batches import Indices
from thce.training.loop import Metrics
from thce.training.precision import autocast


@dataclass(frozen=True)
class TaggedDocument:
    """A document as windows, with the gold tag of every word."""

    id: str
    encoded: Encoded
    tags: NDArray[np.int64]


class TagTask:
    """Losses and validation scores of one worker.

    The summed loss is divided (by the training loop) by the words of the global batch, so that
    the number of workers does not change it.
    """

    def __init__(
        self,
        encoder: WindowEncoder,
        train: Sequence[TaggedDocument],
        validation: Sequence[TaggedDocument],
        tags: TagSet,
        transitions: Transitions,
        device: torch.device,
        precision: str,
        rank: int,
        world_size: int,
        masking: float = 0.0,
    ) -> None:
        """Holds the windows of the training documents and the validation documents.

        Args:
            encoder: pads, and knows the token that hides others.
            train: documents to learn from.
            validation: documents that rank epochs.
            tags: in the order of the model's answers.
            transitions: how a sequence is decoded.
            device: of this worker.
            precision: fp32 or bf16.
            rank: of this worker.
            world_size: how many there are.
            masking: share of the tokens that are hidden in training, anew every time: with few
                documents the model else learns their words by heart.
        """
        self.encoder = encoder
        self.examples: list[tuple[Window, NDArray[np.int64]]] = [
            (window, document.tags[window.words])
            for document in train
            for window in document.encoded.windows
            if len(window.words)
        ]
        self.validation = validation
        self.tags = tags
        self.transitions = transitions
        self.device = device
        self.precision = precision
        self.rank = rank
        self.world_size = world_size
        self.masking = masking

    @property
    def lengths(self) -> list[int]:
        """Tokens of each training window."""
        return [len(window.ids) for window, _ in self.examples]

    def weight(self, batch: Indices) -> float:
        """The words of a global batch."""
        return float(sum(len(self.examples[index][1]) for index in batch))

    def loss(self, module: nn.Module, examples: Indices) -> Tensor:
        """Summed cross-entropy of a micro-batch."""
        if not len(examples):
            return self.logits(module, [np.array([self.encoder.pad_id])]).sum() * 0.0
        chosen = [self.examples[index] for index in examples]
        logits = self.logits(module, [self._masked(window) for window, _ in chosen])
        rows = np.repeat(np.arange(len(chosen)), [len(tags) for _, tags in chosen])
        positions = np.concatenate([window.positions for window, _ in chosen])
        target = torch.from_numpy(np.concatenate([tags for _, tags in chosen])).to(self.device)
        read = logits[torch.from_numpy(rows), torch.from_numpy(positions)]
        return nn.functional.cross_entropy(read, target, reduction="sum")

    def _masked(self, window: Window) -> NDArray[np.int64]:
        """The ids of a window, some of them hidden."""
        if self.masking == 0:
            return window.ids
        hidden = torch.rand(len(window.ids)).numpy() < self.masking
        return self.encoder.hide(window.ids, hidden)

    def evaluate(self, module: nn.Module) -> Metrics:
        """Strict micro F1 on the validation documents: what ranks epochs."""
        found = self.probabilities(module, [one.encoded for one in self.validation])
        counts = np.sum(
            [
                strict_counts(
                    tag_names(document.tags, self.tags),
                    tag_names(best_tags(one, self.transitions.steps), self.tags),
                    self.tags.types,
                )
                for document, one in zip(self.validation, found, strict=True)
            ],
            axis=(0, -1),
        )[:, None]
        f1 = float(np.nan_to_num(micro_f1(counts)))
        return {
            "score": f1,
            "val_f1": f1,
            "val_precision": float(np.nan_to_num(precision(counts)[0])),
            "val_recall": float(np.nan_to_num(recall(counts)[0])),
        }

    @torch.no_grad()
    def probabilities(
        self, module: nn.Module, documents: Sequence[Encoded], batch: int = 8
    ) -> list[Probabilities]:
        """(words, tags) per document on every worker; each computes its share of the windows."""
        windows = [
            (number, place)
            for number, one in enumerate(documents)
            for place in range(len(one.windows))
        ]
        mine = windows[self.rank :: self.world_size]
        read: list[tuple[int, int, Probabilities]] = []
        for start in range(0, -(-len(windows) // self.world_size), batch):
            # Every worker makes the same number of passes: ZeRO-3 gathers weights in each.
            part = mine[start : start + batch] or windows[:1]
            logits = self.logits(module, [documents[row].windows[at].ids for row, at in part])
            found = logits.softmax(-1).cpu().numpy()
            read += [
                (row, at, found[place, documents[row].windows[at].positions])
                for place, (row, at) in enumerate(part)
            ]
        if self.world_size > 1:
            gathered: list[list[tuple[int, int, Probabilities]]] = [read] * self.world_size
            torch.distributed.all_gather_object(gathered, read)
            read = [one for part in gathered for one in part]
        return join_windows(documents, read, len(self.tags.tags))

    def logits(self, module: nn.Module, ids: Sequence[NDArray[np.int64]]) -> Tensor:
        """float32 (batch, seq, tags)."""
        input_ids, mask = (torch.from_numpy(part).to(self.device) for part in self.encoder.pad(ids))
        with autocast(self.precision, self.device):
            logits: Tensor = module(input_ids, mask)
        return logits.float()
