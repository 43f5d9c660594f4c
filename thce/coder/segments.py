"""A narrative cut where one problem ends and the next may begin."""

import re
from dataclasses import dataclass

_END = re.compile(r"(?<=[.;!?])\s+|\n+|(?<=\w):\s+(?=[A-Z])")
SHORTEST = 3  # letters
MOST = 64  # of a narrative; a longer one has its tail in the last


@dataclass(frozen=True)
class Segment:
    """A stretch of a narrative.

    Attributes:
        start: its first letter's place.
        text: as it stands.
    """

    start: int
    text: str


def segments(narrative: str) -> list[Segment]:
    """Sentences, lines and clauses behind a heading, in order; blank ones left out."""
    found: list[Segment] = []
    start = 0
    for cut in _END.finditer(narrative):
        if len(found) == MOST - 1:
            break
        found.append(Segment(start, narrative[start : cut.start()]))
        start = cut.end()
    found.append(Segment(start, narrative[start:]))
    return [one for one in found if len(one.text.strip()) >= SHORTEST]
