"""Notes with 500 planted identifiers, none of which may show in a log, an error or a report.

Each identifier has a core of its own (a made-up surname, a run of digits) that stands nowhere
else: it is the core that is looked for, in whatever form it comes out.
"""

import random
from dataclasses import dataclass
from pathlib import Path

IDENTIFIERS = 500

_FORMS = (
    "Patient: {name}, seen by the team.",
    "Mr. {name} tolerated the procedure well.",
    "MRN: {digits}.",
    "Call {name} at 555-{digits}.",
    "E-mail {name}@example.org for results.",
    "SSN {digits}.",
    "Accession {letters}{digits}.",
    "Referred by Dr. {name}.",
    "Lives at {number} {name} Street.",
    "the daughter {lower} asked about the results.",
)
_SYLLABLES = ("qua", "zel", "vri", "xon", "mup", "jor", "wik", "thal", "gex", "nub")


@dataclass(frozen=True)
class Identifier:
    """One planted identifier.

    Attributes:
        core: what must not show, in lower case.
        sentence: a sentence of a note that holds it.
        word: it alone, as somebody puts it into a wrong field.
    """

    core: str
    sentence: str
    word: str


def identifiers(count: int = IDENTIFIERS) -> list[Identifier]:
    """Distinct identifiers of every form, the same ones in every run."""
    draw = random.Random(7)
    made: dict[str, Identifier] = {}
    while len(made) < count:
        form = _FORMS[len(made) % len(_FORMS)]
        name = "".join(draw.choice(_SYLLABLES) for _ in range(4)).capitalize()
        digits = str(draw.randrange(10**8, 10**9))
        core = name if "{name}" in form or "{lower}" in form else digits
        sentence = form.format(
            name=name,
            lower=name.lower(),
            digits=digits,
            letters="ACC",
            number=draw.randrange(10, 99),
        )
        made.setdefault(core.lower(), Identifier(core.lower(), sentence, core))
    return list(made.values())


def shown(text: str, planted: list[Identifier]) -> list[str]:
    """The cores that a text shows."""
    lowered = text.lower()
    return [one.core for one in planted if one.core in lowered]


def shown_in(paths: list[Path], planted: list[Identifier]) -> dict[str, list[str]]:
    """The cores that files show, by file."""
    found = {}
    for path in paths:
        seen = shown(path.read_bytes().decode("utf-8", "replace"), planted)
        if seen:
            found[str(path)] = seen
    return found
