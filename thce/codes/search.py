"""Ranks a catalogue's codes for a query: shared weight, against what either side has alone.

The score is Tversky's index over the words' weights (inverse document frequency): M the weight
of the query's words that a term holds, Q and T the weight of the whole query and of the whole
term, score = M / (M + a(Q - M) + b(T - M)). Like BM25 it saturates and it normalises by length;
unlike BM25 it is 1 exactly where a term says what was asked and nothing else. A code's score is
that of its best term. (Tversky 1977, Features of similarity.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.codes.abbreviations import abbreviations
from thce.codes.query import Alternative, Form, Reader, Slot
from thce.codes.search_index import SearchIndex
from thce.codes.typos import Vocabulary

ASKED_ALONE = 0.7  # a: what the query says and the term does not
TERM_ALONE = 0.3  # b: what the term says and the query does not


@dataclass(frozen=True)
class Hit:
    """One result: the row in the catalogue and its score, 0 to 1."""

    row: int
    score: float


class Searcher:
    """Answers queries over one index; holds no state between them."""

    def __init__(self, index: SearchIndex) -> None:
        self._index = index
        vocabulary = Vocabulary(index.words, index.masks, index.roots, index.root_names)
        self._reader = Reader(vocabulary, abbreviations())

    def search(self, text: str, count: int, allowed: NDArray[np.bool_]) -> list[Hit]:
        """The best rows, the best first; ties in the catalogue's order.

        Args:
            text: what was typed: words, abbreviations, a narrative.
            count: how many rows at most.
            allowed: (rows,) which rows may be answered.
        """
        shared = np.zeros(len(self._index.rows), np.float32)
        made_up = np.zeros_like(shared)
        asked = 0.0
        for slot in self._reader.read(text):
            if len(slot.alternatives) == 1:
                asked += self._add_words(slot.alternatives[0], shared)
            else:
                asked += self._add_best(slot, shared, made_up)
        terms = np.flatnonzero(shared)
        terms = terms[allowed[self._index.rows[terms]]]
        found = shared[terms]
        missed = np.maximum(asked - found + made_up[terms], 0)
        alone = np.maximum(self._index.masses[terms] - found, 0)
        scores = found / (found + ASKED_ALONE * missed + TERM_ALONE * alone)
        return self._best_rows(self._index.rows[terms], scores, count)

    def _add_best(
        self, slot: Slot, shared: NDArray[np.float32], made_up: NDArray[np.float32]
    ) -> float:
        """Adds a slot with a choice: each term is given the alternative it has most of.

        The slot weighs what its lightest alternative does. What a heavier one adds to `shared`
        beyond the part of the slot that it answers goes to `made_up`, so that it cannot make up
        for other words.
        """
        best = np.zeros_like(shared)
        part = np.zeros_like(shared)
        masses = []
        for alternative in slot.alternatives:
            one = np.zeros_like(shared)
            masses.append(self._add_words(alternative, one))
            np.maximum(best, one, out=best)
            np.maximum(part, one / masses[-1], out=part)
        shared += best
        made_up += best - min(masses) * part
        return min(masses)

    def _add_words(self, words: Alternative, shared: NDArray[np.float32]) -> float:
        return sum(self._add_forms(forms, shared) for forms in words)

    def _add_forms(self, forms: tuple[Form, ...], found: NDArray[np.float32]) -> float:
        """One typed word: a term that holds several of its forms is given the best.

        A relative or a guess is never worth more than the word itself where that is known.
        """
        weights = [float(self._index.weights[form.word]) for form in forms]
        weight = weights[0] if forms[0].share == 1.0 else max(weights)
        if len(forms) == 1:
            found[self._postings(forms[0].word)] += weight * forms[0].share
            return weight
        best = np.zeros_like(found)
        for form, own in zip(forms, weights, strict=True):
            places = self._postings(form.word)
            best[places] = np.maximum(best[places], min(own, weight) * form.share)
        found += best
        return weight

    def _postings(self, word: int) -> NDArray[np.int32]:
        starts = self._index.starts
        return self._index.postings[starts[word] : starts[word + 1]]

    @staticmethod
    def _best_rows(rows: NDArray[np.int32], scores: NDArray[np.float32], count: int) -> list[Hit]:
        """Each row once with its best score; terms stand in the order of their rows."""
        if not len(rows):
            return []
        firsts = np.flatnonzero(np.diff(rows, prepend=-1))
        best = np.maximum.reduceat(scores, firsts)
        distinct = rows[firsts]
        if len(best) > count:
            threshold = np.partition(best, -count)[-count]
            keep = best >= threshold
            best, distinct = best[keep], distinct[keep]
        order = np.argsort(-best, kind="stable")[:count]
        return [Hit(int(distinct[i]), round(float(best[i]), 4)) for i in order]
