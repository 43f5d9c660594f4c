"""A text -> overlapping windows of token ids: nothing is cut off, every word has its token.

Tokens come from the whole text and are aligned to words by characters, so that any fast tokenizer
will do, one that looks at blanks included. A word is read at its first token, in the window that
shows most of what stands on both sides of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.errors import InputError
from thce.files import read_json
from thce.ner.words import Words, words_of

TokenIds = NDArray[np.int64]
Positions = NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """A stretch of a document as the model reads it.

    Attributes:
        ids: token ids, special tokens included.
        words: the words whose first token lies in it, in order.
        positions: where in `ids` each of them begins.
    """

    ids: TokenIds
    words: Positions
    positions: Positions


@dataclass(frozen=True)
class Encoded:
    """A document as words and windows.

    Attributes:
        words: n words.
        windows: in order; every word that has a token is in at least one.
        read_in: (n,) the window in which each word is read; -1 where the tokenizer has no token
            for it.
    """

    words: Words
    windows: tuple[Window, ...]
    read_in: Positions


class WindowEncoder:
    """Cuts documents into windows with a tokenizer that is one file."""

    def __init__(
        self,
        tokenizer: Any,
        pad_id: int,
        max_tokens: int,
        stride: int,
        mask_id: int | None = None,
    ) -> None:
        """Wraps a `tokenizers.Tokenizer`.

        Args:
            tokenizer: knows its special tokens.
            pad_id: fills short rows of a batch.
            max_tokens: of a window, special tokens included.
            stride: tokens that a window shares with the one before it.
            mask_id: hides tokens in training; the padding where there is none.

        Raises:
            InputError: the stride leaves a window nothing of its own.
        """
        self._tokenizer = tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.pad_id = pad_id
        self.mask_id = pad_id if mask_id is None else mask_id
        probe = tokenizer.encode("a")
        inside = [place for place, one in enumerate(probe.special_tokens_mask) if not one]
        self._before = probe.ids[: inside[0]]
        self._after = probe.ids[inside[-1] + 1 :]
        self.max_tokens, self.stride = max_tokens, stride
        self._content = max_tokens - len(self._before) - len(self._after)
        if not 0 <= stride < self._content:
            raise InputError(
                f"stride: {stride} tokens of a window of {max_tokens}; give less than "
                f"{self._content}"
            )

    @classmethod
    def load(cls, folder: Path, max_tokens: int, stride: int) -> "WindowEncoder":
        """Loads tokenizer.json and the padding token of tokenizer_config.json; no transformers.

        Raises:
            InputError: it is not a tokenizer, or its padding token is not known.
        """
        from tokenizers import Tokenizer

        path = folder / "tokenizer.json"
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception:  # tokenizers raises Exception itself
            raise InputError(f"{path}: not a tokenizer that this version reads") from None
        token = read_json(folder / "tokenizer_config.json").get("pad_token")
        content = token["content"] if isinstance(token, dict) else token
        pad_id = tokenizer.token_to_id(content) if content else None
        if pad_id is None:
            raise InputError(f"{folder}/tokenizer_config.json: pad_token is not in the vocabulary")
        return cls(tokenizer, int(pad_id), max_tokens, stride)

    def encode(self, text: str) -> Encoded:
        """Words and windows of a text."""
        words = words_of(text)
        found = self._tokenizer.encode(text, add_special_tokens=False)
        first = _first_tokens(words.spans, found.offsets)
        ids = np.asarray(found.ids, dtype=np.int64)
        bounds = window_bounds(len(ids), self._content, self.stride)
        windows = tuple(self._window(ids, first, start, end) for start, end in bounds)
        return Encoded(words, windows, _read_in(first, bounds, len(ids)))

    def _window(self, ids: TokenIds, first: Positions, start: int, end: int) -> Window:
        words = np.flatnonzero((first >= start) & (first < end))
        return Window(
            np.concatenate([self._before, ids[start:end], self._after]).astype(np.int64),
            words,
            first[words] - start + len(self._before),
        )

    def hide(self, ids: TokenIds, hidden: NDArray[np.bool_]) -> TokenIds:
        """The ids with the mask in place of those hidden; special tokens stay."""
        chosen = hidden.copy()
        chosen[: len(self._before)] = chosen[len(ids) - len(self._after) :] = False
        masked = ids.copy()
        masked[chosen] = self.mask_id
        return masked

    def pad(self, sequences: Sequence[TokenIds]) -> tuple[TokenIds, TokenIds]:
        """Pads to the longest: (input_ids, attention_mask), both int64 (batch, seq)."""
        length = max(len(ids) for ids in sequences)
        input_ids = np.full((len(sequences), length), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(sequences), length), dtype=np.int64)
        for row, ids in enumerate(sequences):
            input_ids[row, : len(ids)] = ids
            mask[row, : len(ids)] = 1
        return input_ids, mask


def window_bounds(count: int, size: int, stride: int) -> list[tuple[int, int]]:
    """Where windows of `size` over `count` tokens begin and end; the last is as long as it can be.

    Neighbours share at least `stride` tokens; together they hold every token.
    """
    bounds = []
    start = 0
    while start + size < count:
        bounds.append((start, start + size))
        start += size - stride
    return [*bounds, (max(0, min(start, count - size)), count)]


def _first_tokens(words: Sequence[tuple[int, int]], tokens: Sequence[tuple[int, int]]) -> Positions:
    """The first token that shares a character with each word; -1 where none does."""
    first = np.full(len(words), -1, dtype=np.int64)
    token = 0
    for number, (start, end) in enumerate(words):
        while token < len(tokens) and tokens[token][1] <= start:
            token += 1
        if token < len(tokens) and tokens[token][0] < end:
            first[number] = token
    return first


def _read_in(first: Positions, bounds: Sequence[tuple[int, int]], count: int) -> Positions:
    """Per word the window with the most context on its poorer side; a text's ends cost nothing."""
    context = np.full((len(bounds), len(first)), -1, dtype=np.int64)
    for row, (start, end) in enumerate(bounds):
        left = first - start if start > 0 else np.full(len(first), count)
        right = end - 1 - first if end < count else np.full(len(first), count)
        inside = (first >= start) & (first < end)
        context[row] = np.where(inside, np.minimum(left, right), -1)
    return np.where(first >= 0, context.argmax(axis=0), -1)


def join_windows(
    documents: Sequence[Encoded],
    read: Sequence[tuple[int, int, NDArray[np.float32]]],
    tags: int,
) -> list[NDArray[np.float32]]:
    """The probabilities of whole documents from those of their windows.

    Args:
        documents: as they were cut.
        read: (document, window, probabilities (words of the window, tags)), in any order; every
            window at least once.
        tags: how many; the first is O, which a word without a token gets.

    Returns:
        (words, tags) per document.
    """
    joined = [np.zeros((len(one.words), tags), dtype=np.float32) for one in documents]
    for document, found in zip(documents, joined, strict=True):
        found[document.read_in < 0, 0] = 1.0
    for number, place, probabilities in read:
        document = documents[number]
        words = document.windows[place].words
        mine = document.read_in[words] == place
        joined[number][words[mine]] = probabilities[mine]
    return joined
