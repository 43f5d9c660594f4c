"""How far a wrong code is from the right one: partial credit, and which kind of error it is."""

from thce.coder.axes import UNSPECIFIED, Axes, split_description
from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType

SAME_CATEGORY, SAME_BLOCK = 0.5, 0.25

# From near to far. `abstained` is no answer at all; `invalid` one that no claim may carry.
KINDS = (
    "correct",
    "side",
    "encounter",
    "specificity",
    "sibling",
    "family",
    "block",
    "elsewhere",
    "invalid",
    "abstained",
)


def credit(catalogue: Catalogue, right: str, answered: str) -> float:
    """1 for the right code, less for its category, less again for its block, else 0."""
    if right == answered:
        return 1.0
    if catalogue.code_type is not CodeType.ICD10:
        return 0.0
    if right[:3] == answered[:3]:
        return SAME_CATEGORY
    return SAME_BLOCK if _block(catalogue, right) & _block(catalogue, answered) else 0.0


def error_kind(catalogue: Catalogue, right: str, answered: str | None) -> str:
    """Which of KINDS an answer is."""
    if answered is None:
        return "abstained"
    if answered == right:
        return "correct"
    if not catalogue.is_billable(answered):
        return "invalid"
    if catalogue.code_type is not CodeType.ICD10:
        return "family" if answered[:3] == right[:3] else "elsewhere"
    if answered[:3] != right[:3]:
        return "block" if _block(catalogue, right) & _block(catalogue, answered) else "elsewhere"
    return _within_category(catalogue, right, answered)


def _within_category(catalogue: Catalogue, right: str, answered: str) -> str:
    (one, gold), (two, given) = _split(catalogue, right), _split(catalogue, answered)
    if one.lower() == two.lower():
        return "side" if gold.side != given.side else "encounter"
    unspecified = [UNSPECIFIED in text.lower() or text.startswith("Other ") for text in (one, two)]
    if unspecified[0] != unspecified[1]:
        return "specificity"
    return "sibling" if right[:-1] == answered[:-1] else "family"


def _split(catalogue: Catalogue, code: str) -> tuple[str, Axes]:
    record = catalogue.get(code)
    return split_description(record.description if record else code)


def _block(catalogue: Catalogue, code: str) -> set[str]:
    """The block of a code, or of the nearest code above it that the catalogue knows."""
    while len(code) > 3 and catalogue.row(code) < 0:
        code = code[:-1].rstrip(".")
    return {above for above in catalogue.parents(code) if "-" in above}
