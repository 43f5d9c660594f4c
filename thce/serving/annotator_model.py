"""Which passages of a note moved the model, by occlusion.

A passage is left out, the model reads the rest, and the fall of a flag's log-odds is what the
passage gave it (Zeiler and Fergus 2014; Li, Monroe and Jurafsky 2016). It is measured on the
model itself and needs no gradient. What it does not see: two passages that say the same each
stand in for the other, so leaving out one alone moves little.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import FLAGS, Flag

METHOD = "occlusion"
PASSAGES = 24
"""The most passages of a note, and so runs of the model; longer notes have longer ones."""
LEAST_FALL = 0.5
"""Log-odds: a smaller fall is not shown."""
SHOWN = 3
"""Passages per flag."""
_SHORTEST, _STOPS = 25, ".;\n"

Model = Callable[[Sequence[str]], NDArray[np.float32]]
"""Prepared texts -> probabilities (n, 29)."""


@dataclass(frozen=True)
class Explainer:
    """A model at hand, and the version of its bundle."""

    version: str
    model: Model


@dataclass(frozen=True)
class Passage:
    """A passage that moved the model towards a flag.

    Attributes:
        flag: the flag.
        start: offset of its first character.
        end: offset past its last.
        fall: of the flag's log-odds when it is left out.
    """

    flag: Flag
    start: int
    end: int
    fall: float


def moving_passages(text: str, flags: Sequence[Flag], model: Model) -> list[Passage]:
    """The passages that moved the model most towards each of the flags, by position.

    Args:
        text: the note.
        flags: those to explain.
        model: runs once per passage, and once on the whole note.
    """
    places = passages(text)
    if not flags or len(places) < 2:
        return []
    without = [text[:start] + text[end:] for start, end in places]
    odds = _log_odds(model([text, *without]))
    falls = odds[0] - odds[1:]
    found = []
    for flag in flags:
        of_flag = falls[:, flag.position]
        for row in np.argsort(-of_flag, kind="stable")[:SHOWN]:
            if of_flag[row] >= LEAST_FALL:
                start, end = places[row]
                found.append(Passage(flag, start, end, round(float(of_flag[row]), 2)))
    return sorted(found, key=lambda one: (one.start, FLAGS.index(one.flag)))


def passages(text: str, most: int = PASSAGES) -> list[tuple[int, int]]:
    """Cuts a text after sentences and lines into at most `most` passages that cover all of it."""
    shortest = max(_SHORTEST, -(-len(text) // most))
    found, start = [], 0
    for place, character in enumerate(text, start=1):
        if place - start >= shortest and (character in _STOPS or place - start >= 2 * shortest):
            found.append((start, place))
            start = place
    if start < len(text):
        found.append((start, len(text)))
    return found


def _log_odds(probability: NDArray[np.float32]) -> NDArray[np.float64]:
    inside = np.clip(probability.astype(np.float64), 1e-6, 1 - 1e-6)
    return np.log(inside / (1 - inside))
