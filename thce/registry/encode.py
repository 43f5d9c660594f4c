"""Prepared text -> token ids: the one encoding that training, export and scoring share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TokenIds = NDArray[np.int64]


class NoteEncoder:
    """Tokenizes notes and keeps the head and the tail of what does not fit.

    A procedure note names what was done at its start and corrects itself at its end, so a long
    note loses its middle (head+tail truncation, Sun et al. 2019, "How to Fine-Tune BERT").
    """

    def __init__(self, tokenizer: Any, head_tokens: int = 384, tail_tokens: int = 128) -> None:
        """Wraps a transformers fast tokenizer.

        Args:
            tokenizer: anything with the fast-tokenizer interface and a pad token.
            head_tokens: ids kept from the start, [CLS] included.
            tail_tokens: ids kept from the end, [SEP] included.
        """
        self.tokenizer = tokenizer
        self.head_tokens = head_tokens
        self.tail_tokens = tail_tokens
        self.pad_id = int(tokenizer.pad_token_id)

    @classmethod
    def load(
        cls, folder: str | Path, head_tokens: int = 384, tail_tokens: int = 128
    ) -> "NoteEncoder":
        """Loads the tokenizer that lies in a folder; no network."""
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
        return cls(tokenizer, head_tokens, tail_tokens)

    def save(self, folder: str | Path) -> None:
        """Writes the tokenizer's files."""
        self.tokenizer.save_pretrained(str(folder))

    @property
    def max_tokens(self) -> int:
        """The longest sequence that `encode` returns."""
        return self.head_tokens + self.tail_tokens

    def encode(self, texts: Sequence[str]) -> list[TokenIds]:
        """Token ids per text, special tokens included: at least one, at most `max_tokens` each.

        A text without a token (of a tokenizer that adds none of its own) is one padding token: no
        graph runs on an empty sequence.
        """
        if not texts:
            return []
        batch = self.tokenizer(
            list(texts), add_special_tokens=True, truncation=False, verbose=False
        )
        return [
            self._truncate(np.asarray(ids or [self.pad_id], dtype=np.int64))
            for ids in batch["input_ids"]
        ]

    def pad(self, sequences: Sequence[TokenIds]) -> tuple[TokenIds, TokenIds]:
        """Pads to the longest: (input_ids, attention_mask), both int64 (batch, seq)."""
        length = max(len(ids) for ids in sequences)
        input_ids = np.full((len(sequences), length), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(sequences), length), dtype=np.int64)
        for row, ids in enumerate(sequences):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        return input_ids, mask

    def _truncate(self, ids: TokenIds) -> TokenIds:
        if len(ids) <= self.max_tokens:
            return ids
        if self.tail_tokens == 0:
            return np.concatenate([ids[: self.head_tokens - 1], ids[-1:]])
        return np.concatenate([ids[: self.head_tokens], ids[-self.tail_tokens :]])
