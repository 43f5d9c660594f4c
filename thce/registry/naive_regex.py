"""A naive regular expression per flag: the rival that the keyword rules are measured against.

Each flag is true where its pattern occurs anywhere in the text, whatever stands around it:
history, plans and negations count as done. `data/naive_regex.yaml` holds the patterns.
"""

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import N_FLAGS, Flag, parse_flag
from thce.registry.lexicon_files import read_lexicon_file


def naive_flags(texts: Sequence[str]) -> NDArray[np.bool_]:
    """(n, 29) flags whose pattern occurs in each of n texts."""
    found = np.zeros((len(texts), N_FLAGS), dtype=bool)
    for flag, pattern in _patterns().items():
        found[:, flag.position] = [pattern.search(text) is not None for text in texts]
    return found


@cache
def _patterns() -> dict[Flag, re.Pattern[str]]:
    given = read_lexicon_file("naive_regex.yaml")
    return {parse_flag(name): re.compile(regex, re.IGNORECASE) for name, regex in given.items()}
