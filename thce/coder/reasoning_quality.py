"""Whether reasoning is worth reading: its form, whether the narrative bears it, and whether it
leads to the answer that was given. Each part is between 0 and 1; none knows whether it is true.

Training rows carry `form_quality` of their reasoning, evaluation all three parts.
"""

import re
from collections.abc import Sequence

from thce.codes.catalogue import Catalogue
from thce.codes.code_types import FORMATS, CodeType
from thce.codes.words import index_words

FEWEST, MOST = 2, 8  # steps
LONGEST = 40  # words in a step
# Words of coding itself, which no narrative says.
OWN_WORDS = frozenset(
    index_words(
        """code codes coded category block chapter character characters report reported fits
        classification says said told named narrative note answer choose chosen right wrong type
        subcategory specific specificity diagnosis condition reason because so then means points
        belongs falls under rather only not pick first second third fourth fifth sixth seventh"""
    )
)


_NAMED = {
    kind: re.compile(rf"\b(?:{form.pattern.replace('(', '(?:')})") for kind, form in FORMATS.items()
}
_ANY_CODE = re.compile("|".join(rf"\b(?:{form.pattern})\b" for form in FORMATS.values()))


def form_quality(steps: Sequence[str], code_type: CodeType, code: str) -> float:
    """0 for no reasoning, else the mean of its structure and of its consistency with a code."""
    return (structure(steps) + consistent(steps, code_type, code)) / 2 if steps else 0.0


def structure(steps: Sequence[str]) -> float:
    """Half for a fitting number of steps, half for the share of steps short enough and distinct."""
    fitting = FEWEST <= len(steps) <= MOST
    short = sum(len(step.split()) <= LONGEST for step in dict.fromkeys(steps))
    return 0.5 * fitting + 0.5 * short / len(steps)


def consistent(steps: Sequence[str], code_type: CodeType, code: str) -> float:
    """1 where the last code that the reasoning names is the answer, half where it is the answer's
    category, or where none is named; else 0.
    """
    named = _NAMED[code_type].findall("\n".join(steps))
    if not named:
        return 0.5
    if named[-1] == code:
        return 1.0
    return 0.5 if code.startswith(named[-1]) else 0.0


def grounded(narrative: str, steps: Sequence[str], code: str, catalogue: Catalogue) -> float:
    """Share of the reasoning's words that the narrative says, or the answer's place in the tree.

    Args:
        narrative: the text that was coded.
        steps: the reasoning.
        code: the answer.
        catalogue: of the answer.
    """
    known = set(index_words(narrative)) | OWN_WORDS
    for one in (code, *catalogue.parents(code)):
        record = catalogue.get(one)
        known.update(index_words(record.description) if record else ())
    said = [
        word.removeprefix("no:") for step in steps for word in index_words(_ANY_CODE.sub(" ", step))
    ]
    plain = {word.removeprefix("no:") for word in known}
    return sum(word in plain for word in said) / len(said) if said else 0.0
