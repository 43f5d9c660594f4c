"""Holding a decoder to a grammar: which tokens may come next, by llguidance.

A grammar is compiled once for a tokenizer; every answer then walks a copy of the compiled matcher,
which takes microseconds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.coder.grammar import PLAIN

# Runs of plain text that the engine sorts tokens by beforehand: within a reasoning line nearly the
# whole vocabulary is then allowed at once (25 us a token instead of 350).
SLICES = [f"{PLAIN}{{1,10}}", f"{PLAIN}{{1,30}}"]


class TokenTable:
    """A tokenizer's vocabulary, as the grammar engine needs it."""

    def __init__(self, tokenizer_file: Path, vocabulary: int, end: int) -> None:
        """Reads a tokenizer; a fifth of a second.

        Args:
            tokenizer_file: tokenizer.json.
            vocabulary: how many logits the model gives; ids beyond the tokenizer's are forbidden.
            end: id of the token that ends an answer.
        """
        from llguidance import LLTokenizer

        text = tokenizer_file.read_text(encoding="utf-8")
        self.size = vocabulary
        self.end = end
        self.engine: Any = LLTokenizer(text, n_vocab=vocabulary, eos_token=end, slices=SLICES)


class Walk:
    """One answer on its way through a grammar."""

    def __init__(self, matcher: Any, size: int) -> None:
        """Starts at the beginning of the language; `size` is the number of tokens."""
        self._matcher = matcher
        self.size = size

    def allowed(self) -> NDArray[np.bool_]:
        """(vocabulary,) which tokens may come next; the end token where the answer is whole."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(bits, count=self.size, bitorder="little").view(np.bool_)

    def accepts(self, tokens: Sequence[int]) -> bool:
        """Takes tokens, or refuses them all and stays where it was."""
        if self._matcher.validate_tokens(list(tokens)) < len(tokens):
            return False
        return bool(self._matcher.consume_tokens(list(tokens)))

    def take(self, token: int) -> None:
        """Goes on by one token that `allowed` allowed.

        Raises:
            RuntimeError: it was not allowed.
        """
        if not self._matcher.consume_token(token):
            raise RuntimeError(f"the grammar refuses token {token}: {self._matcher.get_error()}")

    @property
    def whole(self) -> bool:
        """Whether what was taken is an answer of the language as it stands."""
        return bool(self._matcher.is_accepting())


class Language:
    """A grammar compiled for a tokenizer."""

    def __init__(self, grammar: str, table: TokenTable) -> None:
        """Compiles; a few hundredths of a second with all of ICD-10-CM in it.

        Raises:
            ValueError: the grammar is none.
        """
        from llguidance import LLMatcher

        self._size = table.size
        self._matcher: Any = LLMatcher(table.engine, grammar, log_level=0)
        if self._matcher.is_error():
            raise ValueError(f"grammar: {self._matcher.get_error()}")

    def walk(self) -> Walk:
        """A new walk from the beginning."""
        return Walk(self._matcher.deep_copy(), self._size)
