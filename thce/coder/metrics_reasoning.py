"""Whether reasoning is worth reading: its form, whether the narrative bears it, and whether it
leads to the answer that was given. Each part is between 0 and 1.
"""

import re
from collections.abc import Mapping

from thce.coder.coded_rows import Coded
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


def reasoning_parts(
    narrative: str, coded: Coded, catalogues: Mapping[CodeType, Catalogue]
) -> tuple[float, float, float]:
    """Structure, grounded, consistent.

    Args:
        narrative: the text that was coded.
        coded: the answer with its reasoning.
        catalogues: of the code types answered.
    """
    return (
        structure(coded),
        grounded(narrative, coded, catalogues),
        consistent(coded),
    )


def structure(coded: Coded) -> float:
    """Half for a fitting number of steps, half for the share of steps short enough and distinct."""
    steps = coded.reasoning
    fitting = FEWEST <= len(steps) <= MOST
    short = sum(len(step.split()) <= LONGEST for step in dict.fromkeys(steps))
    return 0.5 * fitting + 0.5 * short / len(steps)


def grounded(narrative: str, coded: Coded, catalogues: Mapping[CodeType, Catalogue]) -> float:
    """Share of the reasoning's words that the narrative says, or the answer's place in the tree."""
    known = set(index_words(narrative)) | OWN_WORDS
    for one in coded.codes[:1]:
        catalogue = catalogues[one.type]
        for code in (one.code, *catalogue.parents(one.code)):
            record = catalogue.get(code)
            known.update(index_words(record.description) if record else ())
    said = [
        word.removeprefix("no:")
        for step in coded.reasoning
        for word in index_words(_without_codes(step))
    ]
    plain = {word.removeprefix("no:") for word in known}
    return sum(word in plain for word in said) / len(said) if said else 0.0


def consistent(coded: Coded) -> float:
    """1 where the last code that the reasoning names is the answer, half where it is the answer's
    category, or where none is named; else 0.
    """
    first = coded.codes[0] if coded.codes else None
    if first is None:
        return 0.0
    pattern = FORMATS[first.type].pattern
    named = re.findall(rf"\b(?:{pattern.replace('(', '(?:')})", "\n".join(coded.reasoning))
    if not named:
        return 0.5
    if named[-1] == first.code:
        return 1.0
    return 0.5 if first.code.startswith(named[-1]) else 0.0


def _without_codes(step: str) -> str:
    for form in FORMATS.values():
        step = re.sub(rf"\b(?:{form.pattern})\b", " ", step)
    return step
