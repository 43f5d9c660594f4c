"""Validating codes by the million: a code is one 64-bit key, a lookup one gather in a hash table.

Eight characters fit a 64-bit word, so but for trimming every step is arithmetic on whole words:
cut to length, raise to upper case, take the dot out, probe.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from thce.codes.code_types import WHITE_SPACE
from thce.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    Codes: TypeAlias = Sequence[str | None] | NDArray[np.str_] | pa.Array | pa.ChunkedArray

WIDTH = 8  # characters of the longest code with its dot; bytes of a key
DOT_AT = 3
FACTOR = np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing (Knuth, TAOCP 3, 6.4)
KEYS_PER_SLOT = 0.4


class KeySet:
    """A set of codes in an open-addressing hash table with linear probing."""

    def __init__(self, codes: NDArray[np.bytes_], dotted: bool) -> None:
        self._dotted = dotted
        padded = codes.astype(f"S{WIDTH}").view("<u8")
        keys = self._without_dot(padded, np.char.str_len(codes))
        bits = int(np.ceil(np.log2(max(len(keys), 1) / KEYS_PER_SLOT))) + 1
        self._shift = np.uint64(64 - bits)
        self._mask = (1 << bits) - 1
        self._slots = np.zeros(1 << bits, np.uint64)
        self._insert(keys)

    def contain(self, codes: "Codes") -> NDArray[np.bool_]:
        """Which of many strings are codes of the set, in any spelling that `normalise` takes.

        Raises:
            InputError: something is neither a string nor null.
        """
        words, lengths = _first_characters(codes)
        keys = self._without_dot(_upper(words), lengths)
        last = words >> (8 * np.clip(lengths - 1, 0, WIDTH - 1)).astype(np.uint64)
        keys[(last & np.uint64(0xFF) == 0) | (lengths > WIDTH)] = 0  # empty, or ends in a NUL
        return self._find(keys)

    def _without_dot(
        self, words: NDArray[np.uint64], lengths: NDArray[np.int64]
    ) -> NDArray[np.uint64]:
        """Keys: the characters without ICD-10's dot. One that ends in its dot keeps it."""
        if not self._dotted:
            return words
        third = np.uint64(8 * DOT_AT)
        dot = (words >> third & np.uint64(0xFF)) == ord(".")
        head = words & np.uint64((1 << 8 * DOT_AT) - 1)
        tail = words >> (third + np.uint64(8)) << third
        return np.where(dot & (lengths > DOT_AT + 1), head | tail, words)

    def _insert(self, keys: NDArray[np.uint64]) -> None:
        places = self._home(keys)
        while len(keys):
            free = self._slots[places] == 0
            self._slots[places[free]] = keys[free]
            waiting = self._slots[places] != keys
            keys, places = keys[waiting], (places[waiting] + 1) & self._mask

    def _find(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        places = self._home(keys)
        held = self._slots[places]
        found = (held == keys) & (keys != 0)
        open_ = np.flatnonzero((held != keys) & (held != 0))
        places = places[open_]
        while len(open_):
            places = (places + 1) & self._mask
            held, wanted = self._slots[places], keys[open_]
            found[open_] = (held == wanted) & (wanted != 0)
            going = (held != wanted) & (held != 0)
            open_, places = open_[going], places[going]
        return found

    def _home(self, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
        return (keys * FACTOR >> self._shift).astype(np.int64)


def _first_characters(codes: "Codes") -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The first eight bytes of each trimmed string as one word, and the string's length."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        strings: Any = codes
        if not isinstance(codes, pa.Array | pa.ChunkedArray):
            strings = pa.array(codes, pa.large_string())
        if isinstance(strings, pa.ChunkedArray):
            strings = strings.combine_chunks()
        trimmed = pc.utf8_trim(strings.cast(pa.large_string()), characters=WHITE_SPACE)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
        raise InputError(f"codes to validate: give strings ({error})") from None
    _, ends_buffer, text_buffer = trimmed.fill_null("").buffers()
    ends = np.frombuffer(ends_buffer, np.int64, len(trimmed) + 1, trimmed.offset * 8)
    text = np.frombuffer(text_buffer, np.uint8) if text_buffer else np.zeros(0, np.uint8)
    padded = np.concatenate([text, np.zeros(WIDTH, np.uint8)])
    at_any_byte = np.ndarray((len(text) + 1,), "<u8", padded, strides=(1,))
    lengths = np.diff(ends)
    kept = np.array([(1 << 8 * length) - 1 for length in range(WIDTH + 1)], np.uint64)
    return at_any_byte[ends[:-1]] & kept[np.minimum(lengths, WIDTH)], lengths


def _upper(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Eight ASCII characters at a time in upper case; other bytes stay."""
    each = 0x0101010101010101
    seven = words & np.uint64(0x7F * each)
    from_a = seven + np.uint64((0x80 - ord("a")) * each)
    past_z = seven + np.uint64((0x7F - ord("z")) * each)
    lower = (from_a ^ past_z) & ~words & np.uint64(0x80 * each)
    return words - (lower >> np.uint64(2))
