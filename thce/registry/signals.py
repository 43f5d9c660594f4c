"""The deterministic side of a disagreement: what form, codes and text say, flag by flag."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from thce.registry.cpt_map import cpt_signal, load_cpt_map
from thce.registry.labels import FALSE, UNKNOWN, Cells


def deterministic_signal(
    structured: Cells, cpt: Cells, keyword: Cells, codes: Sequence[Sequence[str]]
) -> Cells:
    """What the deterministic side says of n notes, UNKNOWN where it cannot speak.

    The form speaks where it was filled in. Otherwise a billed note speaks for every flag that
    some code can state: what is implied is true, and what is not implied was not billed, which is
    what a model that found it is at odds with. The branches of an either-or code are left to the
    text, as are flags without a code of their own and notes without codes. This is for finding
    disputes only: as labels, claims are never false.

    Args:
        structured: int8 (n, 29) of the form.
        cpt: int8 (n, 29) of the codes, TRUE or UNKNOWN.
        keyword: int8 (n, 29) of the text.
        codes: the billed codes of each note; none where there is no billing record.
    """
    stated = np.where(unbilled(cpt, codes), np.int8(FALSE), cpt)
    found = np.where(stated != UNKNOWN, stated, keyword)
    return np.where(structured != UNKNOWN, structured, found).astype(np.int8)


def unbilled(cpt: Cells, codes: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """(n, 29) flags that some code can state, in billed notes whose codes do not state them.

    Args:
        cpt: int8 (n, 29) of the codes, TRUE or UNKNOWN.
        codes: the billed codes of each note.
    """
    billed = np.array([len(given) > 0 for given in codes], dtype=bool)
    could = billed[:, None] & load_cpt_map().reachable & ~_open_branches(codes)
    return could & (cpt == UNKNOWN)


def _open_branches(codes: Sequence[Sequence[str]]) -> NDArray[np.bool_]:
    """(n, 29) flags that an either-or code of the note leaves open."""
    reachable = load_cpt_map().reachable
    open_ = np.zeros((len(codes), len(reachable)), dtype=bool)
    for row, given in enumerate(codes):
        for disjunction in cpt_signal(given).disjunctions.values():
            open_[row, [flag.position for flag in disjunction.flags]] = True
    return open_
