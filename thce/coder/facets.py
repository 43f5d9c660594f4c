"""What a description says beside its core: the side, and the encounter."""

import re
from dataclasses import dataclass

_ENCOUNTER = re.compile(r",? ((?:initial|subsequent) encounter.*|sequela)$", re.IGNORECASE)
_SIDE = re.compile(r"\b(right|left|bilateral)\b", re.IGNORECASE)
OTHER_SIDE = {"right": "left", "left": "right"}


@dataclass(frozen=True, slots=True)
class Facets:
    """A description taken apart.

    Attributes:
        core: the description without its encounter.
        encounter: "initial encounter for closed fracture", "sequela" or empty.
        side: right, left, bilateral or empty; empty as well where both sides are named.
    """

    core: str
    encounter: str
    side: str


def facets(description: str) -> Facets:
    """Takes a description apart."""
    found = _ENCOUNTER.search(description)
    core = description[: found.start()] if found else description
    sides = {side.lower() for side in _SIDE.findall(core)}
    return Facets(core, found[1] if found else "", sides.pop() if len(sides) == 1 else "")


def mirrored(description: str) -> str:
    """The description with right and left exchanged, in lower case."""
    return _SIDE.sub(
        lambda found: OTHER_SIDE.get(found[1].lower(), found[1].lower()), description.lower()
    )


def with_side(description: str, side: str) -> str:
    """The description with another word in place of its side, in lower case."""
    return _SIDE.sub(side, description.lower())
