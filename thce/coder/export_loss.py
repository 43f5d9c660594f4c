"""What a quantised graph loses: its likelihood of right answers beside fp32's, token by token."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.coder import chat
from thce.coder.engine import CONFIG_FILE
from thce.coder.examples import Example
from thce.coder.export_graph import GRAPH_FILE
from thce.coder.prompt_ids import PromptEncoder
from thce.errors import InputError
from thce.files import read_json


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
    encoder = PromptEncoder(exported / "tokenizer")
    conversations = [_conversation(encoder, example, stage) for example in examples]
    sums = {
        folder.name: _Sums(_Session(folder)) for folder in sorted((exported / "onnx").iterdir())
    }
    for (ids, begin), full in zip(conversations, _fp32(model, conversations), strict=True):
        for one in sums.values():
            one.add(full, one.session.log_probabilities(ids)[begin - 1 : -1], ids[begin:])
    return {name: one.loss() for name, one in sums.items()}


class _Sums:
    """Figures of one graph, summed over tokens."""

    def __init__(self, session: "_Session") -> None:
        self.session = session
        self._sums = np.zeros(5)

    def add(
        self, full: NDArray[np.float32], graph: NDArray[np.float32], targets: Sequence[int]
    ) -> None:
        rows = np.arange(len(targets))
        self._sums += (
            len(targets),
            -graph[rows, targets].sum(dtype=np.float64),
            -full[rows, targets].sum(dtype=np.float64),
            (np.exp(full) * (full - graph)).sum(dtype=np.float64),
            (full.argmax(1) == graph.argmax(1)).sum(),
        )

    def loss(self) -> Loss:
        tokens, *others = self._sums.tolist()
        return Loss(int(tokens), *(value / tokens for value in others))


class _Session:
    """A builder's graph, run over a whole text at once with an empty past."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        path = folder / GRAPH_FILE
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime has no common error class
            reason = str(error).splitlines()[0][:200]
            raise InputError(f"{path}: onnxruntime cannot load it: {reason}") from None
        decoder = read_json(folder / CONFIG_FILE)["model"]["decoder"]
        self._past = (1, int(decoder["num_key_value_heads"]), 0, int(decoder["head_size"]))

    def log_probabilities(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """(tokens, vocabulary) of what follows each token."""
        row = np.asarray([ids], np.int64)
        feed = {"input_ids": row, "attention_mask": np.ones_like(row)}
        for value in self._session.get_inputs():
            if value.name not in feed:
                feed[value.name] = np.zeros(self._past, np.float32)
        return _log_softmax(self._session.run(["logits"], feed)[0][0])


def _fp32(
    model: Path, conversations: Sequence[tuple[list[int], int]]
) -> Iterator[NDArray[np.float32]]:
    """(answer tokens, vocabulary) log-probabilities of every answer by torch."""
    import torch
    from transformers import AutoModelForCausalLM

    full = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    for ids, begin in conversations:
        with torch.no_grad():
            logits = full(torch.tensor([ids])).logits[0, begin - 1 : -1]
        yield _log_softmax(logits.numpy())


def _conversation(encoder: PromptEncoder, example: Example, stage: int) -> tuple[list[int], int]:
    """Token ids of prompt and answer, and where the answer begins."""
    prompt = encoder.prompt_ids(chat.prompt(stage, example.narrative, example.code_type)).ids
    line = chat.CodeLine(example.code_type, example.code, example.description)
    (answer,) = chat.completion(stage, [line], example.reasoning)
    return prompt + _answer_ids(encoder, answer["content"]), len(prompt)


def _answer_ids(encoder: PromptEncoder, text: str) -> list[int]:
    """Ids of an answer of ours, in which the think tags are tokens."""
    return list(encoder.tokenizer.encode(text, add_special_tokens=False).ids)


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)), np.float32)
