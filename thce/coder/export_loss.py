"""What a quantised graph loses: its likelihood of right answers beside fp32's, token by token."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from thce.coder import chat
from thce.coder.base_model import load_model
from thce.coder.encode import ChatEncoder, Encoded
from thce.coder.engine import Graph
from thce.coder.examples import Example
from thce.evaluation.softmax import log_softmax


@dataclass(frozen=True)
class Loss:
    """A graph against fp32 on the tokens of right answers.

    Attributes:
        tokens: compared.
        nats: mean negative log-likelihood of a token under the graph.
        nats_fp32: under fp32.
        divergence: mean Kullback-Leibler divergence of the graph from fp32, in nats.
        same_choice: share of tokens at which both find the same token likeliest.
    """

    tokens: int
    nats: float
    nats_fp32: float
    divergence: float
    same_choice: float

    @property
    def lost(self) -> float:
        """Nats per token."""
        return self.nats - self.nats_fp32

    def to_dict(self) -> dict[str, float]:
        """All figures, the difference and both perplexities among them."""
        return {
            **asdict(self),
            "lost": self.lost,
            "perplexity": float(np.exp(self.nats)),
            "perplexity_fp32": float(np.exp(self.nats_fp32)),
        }


def losses(model: Path, exported: Path, examples: Sequence[Example], stage: int) -> dict[str, Loss]:
    """The loss of every graph under `onnx/`.

    Args:
        model: folder of the fp32 weights.
        exported: holds `tokenizer/` and `onnx/`.
        examples: their answers are compared.
        stage: the form of the answers.
    """
    encoder = ChatEncoder(exported / "tokenizer")
    conversations = encoder.conversations([_messages(one, stage) for one in examples])
    sums = {
        folder.name: _Sums(Graph(folder, exported / "tokenizer"))
        for folder in sorted((exported / "onnx").iterdir())
    }
    for encoded, full in zip(conversations, _fp32(model, conversations), strict=True):
        prompt, answer = encoded.ids[: encoded.answer_at], encoded.ids[encoded.answer_at :]
        for one in sums.values():
            one.add(full, one.graph.read(prompt, len(answer)).log_probabilities(answer), answer)
    return {name: one.loss() for name, one in sums.items()}


class _Sums:
    """Figures of one graph, summed over tokens."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self._sums = np.zeros(5)

    def add(
        self, full: NDArray[np.float32], told: NDArray[np.float32], targets: Sequence[int]
    ) -> None:
        rows = np.arange(len(targets))
        self._sums += (
            len(targets),
            -told[rows, targets].sum(dtype=np.float64),
            -full[rows, targets].sum(dtype=np.float64),
            (np.exp(full) * (full - told)).sum(dtype=np.float64),
            (full.argmax(1) == told.argmax(1)).sum(),
        )

    def loss(self) -> Loss:
        tokens, *others = self._sums.tolist()
        return Loss(int(tokens), *(value / tokens for value in others))


def _fp32(model: Path, conversations: Sequence[Encoded]) -> Iterator[NDArray[np.float32]]:
    """(answer tokens, vocabulary) log-probabilities of every answer by torch."""
    import torch

    full = load_model(model).eval()
    for encoded in conversations:
        with torch.no_grad():
            logits = full(torch.tensor([encoded.ids])).logits[0, encoded.answer_at - 1 : -1]
        yield log_softmax(logits.numpy())


def _messages(example: Example, stage: int) -> list[chat.Message]:
    """The right conversation of an example."""
    line = chat.CodeLine(example.code_type, example.code, example.description)
    asked = chat.prompt(stage, example.narrative, example.code_type)
    return asked + chat.completion(stage, [line], example.reasoning)
