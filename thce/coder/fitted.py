"""Which examples fit into the model's window, and the report of lengths before the first step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from thce.coder.encode import ChatEncoder, Encoded, EncodedPair
from thce.coder.training_rows import Row


@dataclass(frozen=True)
class Fitted:
    """Encoded examples that have something to learn, and what was cut or dropped.

    Attributes:
        examples: in the order of their rows.
        cut: examples of which a part of an answer lies beyond the window.
        dropped: examples of which no token of an answer is within; they would teach nothing.
        window: the most tokens of an example.
    """

    examples: list[Encoded] | list[EncodedPair]
    cut: int
    dropped: int
    window: int

    @property
    def lengths(self) -> list[int]:
        """Tokens of each example; of a pair, prompt and answer counted for both answers."""
        return [_length(example) for example in self.examples]

    def report(self) -> dict[str, Any]:
        """Quantiles of the lengths, and how many examples were cut and dropped."""
        lengths = np.asarray(self.lengths or [0])
        return {
            "examples": len(self.examples),
            "tokens": int(lengths.sum()),
            "median_tokens": int(np.median(lengths)),
            "p95_tokens": int(np.percentile(lengths, 95)),
            "longest_tokens": int(lengths.max()),
            "max_tokens": self.window,
            "answers_cut": self.cut,
            "answers_dropped": self.dropped,
        }


def fit_sft(encoder: ChatEncoder, rows: Sequence[Row], window: int) -> Fitted:
    """Encodes rows of stage 1 or 2; what lies beyond the window is cut off."""
    kept, cut, dropped = [], 0, 0
    for example in encoder.conversations([row["messages"] for row in rows]):
        if example.answer_at >= window:
            dropped += 1
            continue
        cut += len(example.ids) > window
        kept.append(Encoded(example.ids[:window], example.answer_at))
    return Fitted(kept, cut, dropped, window)


def fit_pairs(encoder: ChatEncoder, rows: Sequence[Row], window: int) -> Fitted:
    """Encodes rows of stage 3; what lies beyond the window is cut off both answers."""
    kept, cut, dropped = [], 0, 0
    sides = ([row[side] for row in rows] for side in ("prompt", "chosen", "rejected"))
    for pair in encoder.pairs(*sides):
        room = window - len(pair.prompt)
        if room <= 0:
            dropped += 1
            continue
        cut += max(len(pair.chosen), len(pair.rejected)) > room
        kept.append(EncodedPair(pair.prompt, pair.chosen[:room], pair.rejected[:room]))
    return Fitted(kept, cut, dropped, window)


def columns(examples: Sequence[Encoded] | Sequence[EncodedPair]) -> dict[str, list[list[int]]]:
    """The columns that TRL's trainers take for tokenized examples."""
    rows = [trainer_row(example) for example in examples]
    return {name: [row[name] for row in rows] for name in rows[0]}


def trainer_row(example: Encoded | EncodedPair) -> dict[str, list[int]]:
    """An example as TRL's collators take it."""
    if isinstance(example, Encoded):
        return {"input_ids": example.ids, "labels": example.labels}
    return {
        "prompt_ids": example.prompt,
        "chosen_ids": example.chosen,
        "rejected_ids": example.rejected,
    }


def _length(example: Encoded | EncodedPair) -> int:
    if isinstance(example, Encoded):
        return len(example.ids)
    return 2 * len(example.prompt) + len(example.chosen) + len(example.rejected)
