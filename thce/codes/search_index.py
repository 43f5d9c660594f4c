"""The inverted index: word -> official terms that hold it.

A *term* is a code's description, one of its inclusion terms, or one that it inherits: "Colles'
fracture" stands at S52.53 and is indexed at S52.531A together with what that code's own wording
adds to its ancestor's. Each term is scored alone, so a code is found by any of its names.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from thce.codes.entries import Entry
from thce.codes.typos import letter_masks
from thce.codes.words import NEGATED, index_words, root

# Words that say that nothing is said. They count little, so that the plain code comes first.
NEUTRAL_WORDS = """unspecified nos initial encounter condition classified elsewhere organism site
cause type episode trimester disorder disease uncomplicated"""
NEUTRAL = frozenset(NEUTRAL_WORDS.split())
NEUTRAL_WEIGHT = 0.15
OPTIONAL_WEIGHT = 0.15  # of a term's words in brackets, by ICD-10-CM's convention 7.a
OPTIONAL = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
NEGATED_WEIGHT = 0.25
NAMES = ("inclusion_terms", "includes")


@dataclass(frozen=True)
class SearchIndex:
    """Arrays of one catalogue's index; rows are those of the catalogue.

    Attributes:
        words: (words,) bytes, sorted.
        masks: (words,) uint64, of `letter_mask`.
        weights: (words,) float32, how much a word tells.
        roots: (words,) int32, the number of each word's root.
        root_names: (roots,) bytes, sorted.
        starts: (words + 1,) int64, where a word's postings begin.
        postings: int32 term numbers, ascending per word.
        rows: (terms,) int32, the row each term belongs to.
        masses: (terms,) float32, weight of a term's words, optional ones discounted.
    """

    words: NDArray[np.bytes_]
    masks: NDArray[np.uint64]
    weights: NDArray[np.float32]
    roots: NDArray[np.int32]
    root_names: NDArray[np.bytes_]
    starts: NDArray[np.int64]
    postings: NDArray[np.int32]
    rows: NDArray[np.int32]
    masses: NDArray[np.float32]


def build_index(entries: Sequence[Entry]) -> SearchIndex:
    """Indexes every reportable entry; its position is its row."""
    terms = [(row, term) for row, names in _named(entries) for term in names]
    lists: dict[str, list[int]] = defaultdict(list)
    for number, (_, term) in enumerate(terms):
        for word in term.words:
            lists[word].append(number)
    vocabulary = sorted(lists)
    counts = np.array([len(lists[word]) for word in vocabulary], np.int64)
    starts = np.zeros(len(vocabulary) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    postings = np.fromiter(
        (number for word in vocabulary for number in lists[word]), np.int32, int(starts[-1])
    )
    weights = _weights(vocabulary, counts, len(terms))
    root_names, roots = np.unique(
        np.array([root(word).encode() for word in vocabulary], np.bytes_), return_inverse=True
    )
    return SearchIndex(
        np.array([word.encode() for word in vocabulary], np.bytes_),
        letter_masks(vocabulary),
        weights,
        roots.astype(np.int32),
        root_names,
        starts,
        postings,
        np.array([row for row, _ in terms], np.int32),
        _masses([term for _, term in terms], dict(zip(vocabulary, weights.tolist(), strict=True))),
    )


@dataclass(frozen=True, slots=True)
class Term:
    """One official name as words; the optional ones stand in brackets."""

    words: frozenset[str]
    optional: frozenset[str]


def _term(text: str) -> Term:
    words = frozenset(index_words(text))
    return Term(words, words - frozenset(index_words(OPTIONAL.sub(" ", text))))


def _named(entries: Sequence[Entry]) -> Iterator[tuple[int, list[Term]]]:
    """The rows that can be found, each with its distinct names."""
    by_code = {entry.code: entry for entry in entries}
    term = cache(_term)
    for row, entry in enumerate(entries):
        if not entry.reportable or entry.kind == "retired":
            continue
        own = term(entry.description)
        names = {own}
        ancestor = entry
        while True:
            added = own.words - term(ancestor.description).words
            names.update(
                Term(name.words | added, (name.optional - added) | (own.optional & added))
                for name in map(term, _names(ancestor))
            )
            if not ancestor.parent or by_code[ancestor.parent].kind in ("chapter", "block"):
                break
            ancestor = by_code[ancestor.parent]
        yield (
            row,
            sorted((name for name in names if name.words), key=lambda name: sorted(name.words)),
        )


def _names(entry: Entry) -> Iterable[str]:
    return (name for kind in NAMES for name in entry.notes.get(kind, ()))


def _weights(words: Sequence[str], counts: NDArray[np.int64], terms: int) -> NDArray[np.float32]:
    """Inverse document frequency as in BM25, lowered for words that say nothing or say no."""
    weights = np.log1p((terms - counts + 0.5) / (counts + 0.5))
    factors = [
        NEGATED_WEIGHT if word.startswith(NEGATED) else NEUTRAL_WEIGHT if word in NEUTRAL else 1.0
        for word in words
    ]
    return (weights * np.array(factors)).astype(np.float32)


def _masses(terms: Sequence[Term], weights: dict[str, float]) -> NDArray[np.float32]:
    """The weight of each term's words, its optional ones counted little."""
    discount = 1 - OPTIONAL_WEIGHT
    return np.array(
        [
            sum(weights[word] for word in term.words)
            - discount * sum(weights[word] for word in term.optional)
            for term in terms
        ],
        np.float32,
    )
