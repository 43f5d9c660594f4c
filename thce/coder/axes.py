"""The axes of ICD-10-CM that cut across diseases: side, encounter, wound, trimester, fetus.

A description is split into what is wrong, its *core*, and a position on each axis. "Displaced
fracture of left tibial spine, initial encounter for open fracture type I or II" has the core
"displaced fracture of tibial spine", side left, phase initial, wound open, healing none. Codes
with one core differ in answers to questions of their own, which a narrative often answers in
words of their own. Whether "unspecified knee" is a side can only be told beside its siblings:
see `thce.coder.concepts`.
"""

import re
from dataclasses import dataclass

UNSAID = ""  # the axis does not apply to the code
UNSPECIFIED = "unspecified"

_ENCOUNTER = re.compile(
    r", (?P<phase>initial|subsequent) encounter(?: for (?P<wound>closed|open)?\s*fracture"
    r"(?P<severe> type IIIA, IIIB, or IIIC)?)?.*$|, (?P<sequela>sequela)$"
)
_HEALING = re.compile(r" with (routine healing|delayed healing|nonunion|malunion)$")
_TRIMESTER = re.compile(r",? (first|second|third|unspecified) trimester\b")
_FETUS = re.compile(r", (?:fetus ([1-5])|(other) fetus|(not applicable or unspecified))")
_SIDE = re.compile(r"\b(right|left|bilateral)\b", re.IGNORECASE)
_UNILATERAL = re.compile(r"\bunilateral\b", re.IGNORECASE)


@dataclass(frozen=True)
class Axes:
    """Where a code stands; UNSAID where an axis does not apply.

    Attributes:
        side: right, left, bilateral or unspecified.
        phase: initial, subsequent or sequela.
        wound: closed, open, or severe (open, Gustilo type III).
        healing: routine healing, delayed healing, nonunion or malunion.
        trimester: first, second, third or unspecified.
        fetus: 1 to 5, other, or unspecified.
    """

    side: str = UNSAID
    phase: str = UNSAID
    wound: str = UNSAID
    healing: str = UNSAID
    trimester: str = UNSAID
    fetus: str = UNSAID


def split_description(description: str) -> tuple[str, Axes]:
    """The core of an ICD-10-CM description, in its own wording, and its axes.

    A description that names two sides ("right dominant side, left") keeps both words.
    """
    phase = wound = healing = trimester = fetus = side = UNSAID
    core = description
    if found := _ENCOUNTER.search(core):
        phase = found["phase"] or "sequela"
        if healed := _HEALING.search(core):
            healing = healed[1]
        wound = "severe" if found["severe"] else found["wound"] or UNSAID
        core = core[: found.start()]
    if found := _TRIMESTER.search(core):
        trimester = found[1]
        core = core[: found.start()] + core[found.end() :]
    if found := _FETUS.search(core):
        fetus = found[1] or found[2] or UNSPECIFIED
        core = core[: found.start()] + core[found.end() :]
    sides = _SIDE.findall(core)
    if len(sides) == 1:
        side = sides[0].lower()
        core = _UNILATERAL.sub(" ", _SIDE.sub(" ", core))
    return tidy(core), Axes(side, phase, wound, healing, trimester, fetus)


def tidy(core: str) -> str:
    """One space between words, no stray commas."""
    core = re.sub(r"\s+", " ", core)
    core = re.sub(r"\s+,", ",", core)
    core = re.sub(r",(?:\s*,)+", ",", core)
    return core.strip(" ,")
