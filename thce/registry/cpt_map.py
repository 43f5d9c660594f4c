"""What billed CPT and HCPCS codes imply of each flag: `data/cpt_codes.yaml`, checked on loading.

A code may imply flags, or a disjunction: one of two procedures that the code does not tell apart.
Claims never say that something was not done: no code makes a cell false.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from thce.codes.code_types import CodeType, well_formed
from thce.registry.labels import N_FLAGS, TRUE, UNKNOWN, Cells, Flag
from thce.registry.lexicon_files import read_lexicon_file

_CODE = re.compile(r"([A-Z]?\d{4,5}[A-Z]?)(?![A-Z0-9])")


@dataclass(frozen=True)
class Disjunction:
    """A code that implies one of several flags.

    Attributes:
        flags: the branches.
        other: whether a method outside the registry may be meant instead.
    """

    flags: frozenset[Flag]
    other: bool


@dataclass(frozen=True)
class CptMap:
    """The map of codes.

    Attributes:
        single: code -> flags that it implies.
        either: code -> its disjunction.
        known: every code the map has an opinion on, the silent ones included.
    """

    single: Mapping[str, frozenset[Flag]]
    either: Mapping[str, Disjunction]
    known: frozenset[str]

    @property
    def reachable(self) -> NDArray[np.bool_]:
        """(29,) flags that some code alone can state."""
        stated = {flag for flags in self.single.values() for flag in flags}
        return np.array([flag in stated for flag in Flag])


@dataclass(frozen=True)
class CptSignal:
    """What the codes of one note say.

    Attributes:
        cells: int8 (29,), TRUE or UNKNOWN.
        disjunctions: code -> its disjunction, for the either-or codes of the note.
        unknown_codes: normalised codes that the map does not have; most bill something else.
        not_codes: how many entries have not the shape of a code; they may be text of the note
            and are never named.
    """

    cells: Cells
    disjunctions: Mapping[str, Disjunction]
    unknown_codes: tuple[str, ...]
    not_codes: int


@cache
def load_cpt_map() -> CptMap:
    """The shipped map."""
    table = read_lexicon_file("cpt_codes.yaml")
    bronchoscopy = set(table["bronchoscopy"])
    single: dict[str, set[Flag]] = {
        code: {Flag.DIAGNOSTIC_BRONCHOSCOPY} for code in table["bronchoscopy"]
    }
    for code, names in table["single"].items():
        single.setdefault(code, set()).update(Flag(name) for name in names)
    either = {
        code: Disjunction(frozenset(map(Flag, entry["flags"])), bool(entry["other"]))
        for code, entry in table["either"].items()
    }
    return CptMap(
        single={code: frozenset(flags) for code, flags in single.items()},
        either=either,
        known=frozenset(bronchoscopy | set(single) | set(either) | set(table["silent"])),
    )


def normalise_code(code: str) -> str:
    """`" 31624-59 "` -> `31624`, `c9751` -> `C9751`: modifiers, blanks and case do not matter."""
    found = _CODE.match(code.strip().upper())
    return found.group(1) if found else code.strip().upper()


def cpt_signal(codes: Iterable[str]) -> CptSignal:
    """What these codes say of the 29 flags; their order and repetition do not matter."""
    table = load_cpt_map()
    cells = np.full(N_FLAGS, UNKNOWN, dtype=np.int8)
    found = sorted({normalise_code(code) for code in codes} - {""})
    for code in found:
        for flag in table.single.get(code, ()):
            cells[flag.position] = TRUE
    return CptSignal(
        cells=cells,
        disjunctions={code: table.either[code] for code in found if code in table.either},
        unknown_codes=tuple(code for code in found if code not in table.known and _is_code(code)),
        not_codes=sum(not _is_code(code) for code in found),
    )


def _is_code(text: str) -> bool:
    return well_formed(text, CodeType.CPT) or well_formed(text, CodeType.HCPCS)
