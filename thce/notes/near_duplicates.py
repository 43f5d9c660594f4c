"""Groups of notes that are nearly the same text, so that no group is split between train and test.

Two texts are near-duplicates where the Jaccard similarity of their word 3-shingles reaches a
threshold (Broder 1997). MinHash with banded LSH proposes pairs, each pair is checked exactly, and
groups are the connected components. A pair at the threshold is proposed with a probability of at
least 0.999; one above it, more surely. What is proposed depends on the two texts alone, so the
groups do not depend on the order of the texts.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

SHINGLE_WORDS = 3
PERMUTATIONS = 128
SEED = 42
_RECALL = 0.999

# Four to five standard deviations of a similarity as 128 permutations estimate it.
_MARGIN = 0.18

Shingles = NDArray[np.uint64]
Signatures = NDArray[np.uint32]

_WORD = re.compile(r"\w+")
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)


def groups(texts: Sequence[str], threshold: float = 0.8) -> NDArray[np.int64]:
    """The near-duplicate group of each text.

    Args:
        texts: n texts, prepared alike.
        threshold: the Jaccard similarity, above 0 and up to 1, from which two texts belong
            together.

    Returns:
        n group ids; a group's id is the position of its first text. Texts without a word are
        duplicates of each other.
    """
    shingled = shingle(texts)
    parents = np.arange(len(texts))
    first_of: dict[bytes, int] = {}
    for index, shingles in enumerate(shingled):
        parents[index] = first_of.setdefault(shingles.tobytes(), index)
    distinct = [index for index in first_of.values() if len(shingled[index])]
    signatures = _signatures([shingled[index] for index in distinct])
    for bucket in _buckets(signatures, _rows_per_band(threshold)):
        members = [distinct[position] for position in bucket]
        _join(members, shingled, signatures[bucket], parents, threshold)
    return np.array([_root(parents, index) for index in range(len(texts))], dtype=np.int64)


def shingle(texts: Sequence[str]) -> list[Shingles]:
    """The sorted distinct 64-bit hashes of each text's runs of three words, in lower case.

    A text of one or two words has one shingle; one without words has none.
    """
    hashes: dict[str, int] = {}
    shingled = []
    for text in texts:
        words = _WORD.findall(text.lower())
        numbers = [hashes.get(word) or hashes.setdefault(word, _hash(word)) for word in words]
        shingled.append(_runs(np.array(numbers, dtype=np.uint64)))
    return shingled


def jaccard(one: Shingles, other: Shingles) -> float:
    """The Jaccard similarity of two sets of shingles, one of them not empty."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    return common / (len(one) + len(other) - common)


def _root(parents: NDArray[np.int64], index: int) -> int:
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = int(parents[index])
    return index


def _runs(words: Shingles) -> Shingles:
    if not len(words):
        return words
    padded = np.concatenate([words, np.zeros(max(0, SHINGLE_WORDS - len(words)), np.uint64)])
    n = len(padded) - SHINGLE_WORDS + 1
    mixed = np.zeros(n, dtype=np.uint64)
    for position in range(SHINGLE_WORDS):
        # Multiplication wraps modulo 2^64; an odd factor a place makes word order count.
        mixed = (mixed ^ padded[position : position + n]) * _MIX[position]
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest())


def _buckets(signatures: Signatures, rows: int) -> Iterator[list[int]]:
    """Positions of texts whose signatures agree in a whole band of `rows` values."""
    for start in range(0, PERMUTATIONS - rows + 1, rows):
        band = np.ascontiguousarray(signatures[:, start : start + rows])
        buckets: dict[bytes, list[int]] = {}
        for position, values in enumerate(band):
            buckets.setdefault(values.tobytes(), []).append(position)
        yield from (bucket for bucket in buckets.values() if len(bucket) > 1)


def _join(
    members: list[int],
    shingled: list[Shingles],
    signatures: Signatures,
    parents: NDArray[np.int64],
    threshold: float,
) -> None:
    """Unites the groups of a bucket's texts that hold a similar pair.

    A pair already in one group is not compared, nor one whose signatures are far apart. The
    neighbour comes first: in a bucket of one template it settles nearly every text.
    """
    roots = np.array([_root(parents, member) for member in members])
    likely = (threshold - _MARGIN) * PERMUTATIONS
    for position in range(1, len(members)):
        for others in (np.array([position - 1]), np.arange(position)):
            others = others[roots[others] != roots[position]]
            agreeing = (signatures[others] == signatures[position]).sum(axis=1)
            for other in others[agreeing >= likely]:
                if roots[other] == roots[position]:
                    continue
                if jaccard(shingled[members[position]], shingled[members[other]]) >= threshold:
                    root = min(roots[other], roots[position])
                    gone = max(roots[other], roots[position])
                    parents[gone] = root
                    roots[roots == gone] = root


def _rows_per_band(threshold: float) -> int:
    """The most rows a band may have for a pair at the threshold to be proposed."""
    for rows in range(PERMUTATIONS // 2, 1, -1):
        bands = PERMUTATIONS // rows
        if 1 - (1 - threshold**rows) ** bands >= _RECALL:
            return rows
    return 1


def _signatures(shingled: list[Shingles]) -> Signatures:
    """The MinHash signatures, shape (n, PERMUTATIONS)."""
    from datasketch import MinHash

    empty = MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32", hashfunc=int)
    signatures = np.empty((len(shingled), PERMUTATIONS), dtype=np.uint32)
    for position, shingles in enumerate(shingled):
        signature = empty.copy()
        signature.update_batch((shingles >> np.uint64(32)).tolist())
        signatures[position] = signature.hashvalues
    return signatures
