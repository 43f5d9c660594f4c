"""What a model has to beat: chance, the commonest codes, shared words, and phrases word for word.

Each ranks the billable codes of one catalogue and accepts its first one. TF-IDF stands in
`thce.coder.baseline_tfidf`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from thce.coder.coded_rows import RankedCode
from thce.coder.concepts import official_names
from thce.coder.draw import Draw
from thce.coder.rank import Answering
from thce.codes.abbreviations import abbreviations
from thce.codes.catalogue import Catalogue
from thce.codes.search_index import OPTIONAL
from thce.codes.words import index_words, negate


class Ranking(Protocol):
    """Anything that ranks codes for a narrative."""

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Codes, the best first."""


def ranked(
    catalogue: Catalogue, scored: Iterable[tuple[int, float]], answering: Answering
) -> list[RankedCode]:
    """Rows with scores as an answer; of several accepted codes the score decides.

    Args:
        catalogue: whose rows.
        scored: (row, score), the best first.
        answering: how many, and which are accepted.
    """
    codes = []
    for place, (row, score) in enumerate(scored):
        if place == answering.count:
            break
        accepted = score > 0 and (
            score >= answering.confidence if answering.several else place == 0
        )
        codes.append(
            RankedCode(
                catalogue.code_type,
                catalogue.code_at(row),
                catalogue.tables.descriptions[row],
                score,
                accepted,
            )
        )
    return codes


class RandomCodes:
    """Billable codes drawn by the narrative's wording: the same text, the same codes."""

    def __init__(self, catalogue: Catalogue, seed: int = 42) -> None:
        self._catalogue = catalogue
        self._rows = np.flatnonzero(catalogue.current).tolist()
        self._seed = seed

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Distinct codes, each as likely as any."""
        draw = Draw(self._seed, narrative)
        rows: dict[int, None] = {}
        while len(rows) < min(answering.count, len(self._rows)):
            rows[draw.one(self._rows)] = None
        share = 1 / len(self._rows)
        return ranked(self._catalogue, ((row, share) for row in rows), answering)


class MajorityCodes:
    """The commonest codes of some examples, whatever the narrative says."""

    def __init__(self, catalogue: Catalogue, codes: Sequence[str]) -> None:
        self._catalogue = catalogue
        counts = Counter(row for code in codes if (row := catalogue.row(code)) >= 0)
        total = sum(counts.values())
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        self._scored = [(row, count / total) for row, count in ordered]

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """The same for every narrative."""
        return ranked(self._catalogue, self._scored, answering)


class KeywordCodes:
    """By the share of a description's words that the narrative holds, the longer one first."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._lengths: dict[int, int] = {}
        self._rows: dict[str, list[int]] = defaultdict(list)
        for row in np.flatnonzero(catalogue.current).tolist():
            words = set(index_words(catalogue.tables.descriptions[row]))
            self._lengths[row] = max(len(words), 1)
            for word in words:
                self._rows[word].append(row)

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Scores are shares of words found."""
        found: Counter[int] = Counter()
        for word in set(index_words(narrative)):
            found.update(self._rows.get(word, ()))
        best = sorted(
            found.items(), key=lambda item: (-item[1] / self._lengths[item[0]], -item[1], item[0])
        )
        scored = ((row, count / self._lengths[row]) for row, count in best)
        return ranked(self._catalogue, scored, answering)


class PhraseRules:
    """A coder's first rule: what stands there word for word, short forms read, denials skipped.

    The longest official name that the narrative holds comes first; what a name has in brackets
    may be missing.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._rows: dict[tuple[str, ...], int] = {}
        for row in np.flatnonzero(catalogue.current).tolist():
            for name in official_names(catalogue, row):
                for wording in (name, OPTIONAL.sub(" ", name)):
                    self._rows.setdefault(tuple(index_words(wording)), row)
        self._rows.pop((), None)
        self._longest = max(map(len, self._rows), default=0)

    def rank(self, narrative: str, answering: Answering) -> list[RankedCode]:
        """Scores are 1 - 1 / (1 + words of the phrase)."""
        words: list[str] = []
        for stretch in abbreviations().split(narrative):
            spelled = index_words(stretch.spellings[0])
            words += [negate(word) for word in spelled] if stretch.negated else spelled
        found: dict[int, int] = {}
        for start in range(len(words)):
            for length in range(1, min(self._longest, len(words) - start) + 1):
                row = self._rows.get(tuple(words[start : start + length]))
                if row is not None:
                    found[row] = max(found.get(row, 0), length)
        best = sorted(found.items(), key=lambda item: (-item[1], item[0]))
        return ranked(
            self._catalogue, ((row, 1 - 1 / (1 + length)) for row, length in best), answering
        )
