"""What the notes that a bundle was trained on look like, in numbers that give no text away."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from thce.config import Config
from thce.errors import InputError
from thce.files import read_json, write_json
from thce.registry.labels import N_FLAGS

WORD_BUCKETS = 256
"""Token ids are counted in so many buckets: enough to see a change, too few to see a word."""

LENGTH_BUCKETS = 10
DRAWS = 400
"""Windows drawn from the training notes to see how far one strays by chance."""
MOST_DRAWN = 4000
"""Of more training notes so many are looked at in each draw."""
QUANTILE = 0.99
FEWEST = 100
"""Notes that a fingerprint needs."""


@dataclass(frozen=True)
class NoteMarks:
    """What is kept of n notes.

    Attributes:
        tokens: (n,) length.
        words: (n, WORD_BUCKETS) counts of token ids by bucket.
        accept: bool (n, 29) flags that the bundle accepted.
        certainty: (n,) mean over the flags of max(p, 1 - p).
    """

    tokens: NDArray[np.int64]
    words: NDArray[np.int64]
    accept: NDArray[np.bool_]
    certainty: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.tokens)

    def take(self, rows: NDArray[np.int64]) -> "NoteMarks":
        """Some of the notes."""
        return NoteMarks(
            self.tokens[rows], self.words[rows], self.accept[rows], self.certainty[rows]
        )


@dataclass(frozen=True)
class Drift:
    """How far some notes are from the training's.

    Attributes:
        length: population stability index of the lengths, in tenths of the training's.
        words: Jensen-Shannon divergence of the words, in bits.
        flags: the largest difference of a flag's rate.
        certainty: the difference of the mean certainty.
    """

    length: float
    words: float
    flags: float
    certainty: float


class Fingerprint(Config):
    """The file of a fingerprint; rates, shares and limits only.

    Attributes:
        version: the bundle's.
        weights: the name of its weights.
        notes: how many were looked at.
        window: notes that a comparison takes.
        length_edges: token counts between tenths of the notes.
        length_shares: share of the notes between them; not tenths where many are cut to one length.
        words: share of tokens by bucket.
        flag_rates: share of notes with each flag accepted, by the bundle.
        certainty: mean.
        limits: what `QUANTILE` of windows drawn from these notes stay below, by name.
    """

    version: str
    weights: str
    notes: int = Field(ge=FEWEST)
    window: int = Field(ge=1)
    length_edges: list[float] = Field(min_length=LENGTH_BUCKETS - 1, max_length=LENGTH_BUCKETS - 1)
    length_shares: list[float] = Field(min_length=LENGTH_BUCKETS, max_length=LENGTH_BUCKETS)
    words: list[float] = Field(min_length=WORD_BUCKETS, max_length=WORD_BUCKETS)
    flag_rates: list[float] = Field(min_length=N_FLAGS, max_length=N_FLAGS)
    certainty: float
    limits: dict[str, float] = Field(default_factory=dict)

    @classmethod
    def of(cls, marks: NoteMarks, version: str, weights: str, window: int) -> "Fingerprint":
        """The fingerprint of training notes, with limits by splitting them.

        Raises:
            InputError: there are too few notes.
        """
        if len(marks) < FEWEST:
            raise InputError(f"input: {len(marks)} notes; a fingerprint needs {FEWEST}")
        found = cls._plain(marks, version, weights, window)
        return found.model_copy(update={"limits": _limits(marks, window)})

    @classmethod
    def _plain(cls, marks: NoteMarks, version: str, weights: str, window: int) -> "Fingerprint":
        """Without limits."""
        quantiles = np.arange(1, LENGTH_BUCKETS) / LENGTH_BUCKETS
        edges = np.quantile(marks.tokens, quantiles).tolist()
        return cls(
            version=version,
            weights=weights,
            notes=len(marks),
            window=window,
            length_edges=edges,
            length_shares=_length_shares(marks.tokens, edges).tolist(),
            words=_shares(marks.words.sum(axis=0)).tolist(),
            flag_rates=marks.accept.mean(axis=0).tolist(),
            certainty=float(marks.certainty.mean()),
        )

    @classmethod
    def load(cls, path: str | Path) -> "Fingerprint":
        """Reads a file that `save` wrote.

        Raises:
            InputError: it is none.
        """
        try:
            return cls.model_validate(read_json(path))
        except ValidationError:
            raise InputError(
                f"{path}: not a fingerprint; make one with `thce serve fingerprint`"
            ) from None

    def save(self, path: str | Path) -> None:
        """Writes the file."""
        write_json(path, self.model_dump())

    def drift(self, marks: NoteMarks) -> Drift:
        """How far these notes are from the training's."""
        lengths = _length_shares(marks.tokens, self.length_edges)
        rates = marks.accept.mean(axis=0)
        return Drift(
            length=_stability(lengths, np.array(self.length_shares)),
            words=_divergence(_shares(marks.words.sum(axis=0)), np.array(self.words)),
            flags=float(np.abs(rates - self.flag_rates).max()),
            certainty=abs(float(marks.certainty.mean()) - self.certainty),
        )

    def alerts(self, drift: Drift) -> list[str]:
        """The names of what strays further than chance would let it."""
        return [name for name, value in vars(drift).items() if value > self.limits[name]]


def _limits(marks: NoteMarks, window: int) -> dict[str, float]:
    """How far a window of one half of the notes strays from the other half, mostly.

    Held against the very notes that it was drawn from, a window would stray too little: that the
    training notes are a sample themselves would not count.
    """
    rng = np.random.default_rng(0)
    draws: list[dict[str, float]] = []
    for _ in range(DRAWS):
        order = rng.permutation(len(marks))[:MOST_DRAWN]
        half, other = np.array_split(order, 2)
        reference = Fingerprint._plain(marks.take(half), "", "", window)
        drawn = marks.take(rng.choice(other, window, replace=len(other) < window))
        draws.append(vars(reference.drift(drawn)))
    return {name: float(np.quantile([draw[name] for draw in draws], QUANTILE)) for name in draws[0]}


def word_counts(ids: NDArray[Any]) -> NDArray[np.int64]:
    """(WORD_BUCKETS,) how many of a note's tokens fall into each bucket."""
    return np.bincount(ids * 2_654_435_761 % 2**32 % WORD_BUCKETS, minlength=WORD_BUCKETS)


def certainty_of(probabilities: NDArray[Any]) -> NDArray[np.float64]:
    """(n,) mean over the flags of max(p, 1 - p)."""
    return np.maximum(probabilities, 1 - probabilities).astype(np.float64).mean(axis=-1)


def _length_shares(tokens: NDArray[np.int64], edges: list[float]) -> NDArray[np.float64]:
    """(LENGTH_BUCKETS,) shares of the notes between the edges."""
    return _shares(np.bincount(np.searchsorted(edges, tokens), minlength=LENGTH_BUCKETS))


def _shares(counts: NDArray[Any]) -> NDArray[np.float64]:
    """Counts as shares, each with half a count more so that none is zero."""
    smoothed = counts + 0.5
    return smoothed / smoothed.sum()


def _stability(now: NDArray[np.float64], then: NDArray[np.float64]) -> float:
    return float(((now - then) * np.log(now / then)).sum())


def _divergence(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    middle = (one + other) / 2
    parts = (one * np.log2(one / middle) + other * np.log2(other / middle)) / 2
    return float(parts.sum())
