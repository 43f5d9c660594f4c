"""Words near a mistyped one: a letter-count filter, then edit distance over all that are left.

Both steps work on the whole vocabulary at once. The filter keeps a bit per letter for "occurs"
and one for "occurs twice": one edit changes at most two of them, so no near word is lost.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thce.codes.words import root


class Vocabulary:
    """Sorted words as bytes, with the filter's bits."""

    def __init__(
        self,
        words: NDArray[np.bytes_],
        masks: NDArray[np.uint64],
        roots: NDArray[np.int32],
        root_names: NDArray[np.bytes_],
    ) -> None:
        self.words = words
        self.masks = masks
        self.roots = roots
        self.root_names = root_names
        width = words.dtype.itemsize
        self.letters = words.view(np.uint8).reshape(len(words), width)
        self.lengths = np.count_nonzero(self.letters, axis=1)

    def near(self, word: str, farthest: int) -> list[tuple[int, int]]:
        """Words within an edit distance: (index, distance), nearest first.

        An edit is a letter put in, left out, replaced, or two neighbours swapped (optimal string
        alignment).
        """
        bits = np.bitwise_count(self.masks ^ letter_mask(word))
        close = np.abs(self.lengths - len(word)) <= farthest
        candidates = np.flatnonzero(close & (bits <= 2 * farthest))
        if not len(candidates):
            return []
        distances = edit_distances(word, self.letters[candidates], self.lengths[candidates])
        order = np.argsort(distances, kind="stable")
        return [(int(candidates[i]), int(distances[i])) for i in order if distances[i] <= farthest]

    def starting_with(self, prefix: str) -> range:
        """Indices of the words that begin so."""
        first = np.searchsorted(self.words, prefix.encode())
        last = np.searchsorted(self.words, prefix.encode() + b"\x7f")
        return range(int(first), int(last))

    def index(self, word: str) -> int:
        """Where a word is, or -1."""
        return _place(self.words, word)

    def relatives(self, word: str) -> list[int]:
        """Indices of the words with the same root, the word itself among them."""
        number = _place(self.root_names, root(word))
        return np.flatnonzero(self.roots == number).tolist() if number >= 0 else []


def _place(words: NDArray[np.bytes_], word: str) -> int:
    encoded = word.encode()
    place = int(np.searchsorted(words, encoded))
    return place if place < len(words) and words[place] == encoded else -1


def letter_mask(word: str) -> np.uint64:
    """Bits 0-25: the letter occurs; bits 26-51: it occurs twice."""
    mask = 0
    for letter in word:
        place = ord(letter) - 97
        if 0 <= place < 26:
            mask |= 1 << (place + 26 if mask >> place & 1 else place)
    return np.uint64(mask)


def letter_masks(words: Sequence[str]) -> NDArray[np.uint64]:
    """`letter_mask` of each word."""
    return np.array([letter_mask(word) for word in words], np.uint64)


def edit_distances(
    word: str, letters: NDArray[np.uint8], lengths: NDArray[np.int64]
) -> NDArray[np.int16]:
    """Optimal string alignment distance from one word to many.

    Args:
        word: ASCII.
        letters: (words, width) uint8, padded with zeros.
        lengths: (words,) letters of each.

    Returns:
        (words,) int16.
    """
    count, width = letters.shape
    typed = np.frombuffer(word.encode(), np.uint8)
    before = np.zeros((width + 1, count), np.int16)
    last = np.repeat(np.arange(width + 1, dtype=np.int16)[:, None], count, axis=1)
    columns = letters.T
    for i, letter in enumerate(typed, start=1):
        row = np.empty_like(last)
        row[0] = i
        replaced = last[:-1] + (columns != letter)
        deleted = last[1:] + 1
        best = np.minimum(replaced, deleted)
        if i > 1:
            swapped = (columns[:-1] == letter) & (columns[1:] == typed[i - 2])
            best[1:] = np.where(swapped, np.minimum(best[1:], before[:-2] + 1), best[1:])
        for j in range(width):
            row[j + 1] = np.minimum(best[j], row[j] + 1)
        before, last = last, row
    return last[lengths, np.arange(count)]
