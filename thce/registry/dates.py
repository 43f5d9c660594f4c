"""Dates that say that a procedure was done on another day than the one the note documents.

A year behind a name ("bronchoscopy in 2019") says so anywhere but in a list of names. A day behind
a participle ("stent placed 05/29") says so in running text, since nobody dates there what was done
today; the account of a stay dates everything, so it is not asked there.

A masked date counts only directly behind the participle ("placed [DATE]"); behind "on" it is not
seen, and a report that dates its own procedure that way is read as past.
"""

import re

from thce.registry.scanned import ScannedNote, Spot

_YEAR = re.compile(
    r"[ \t]*[(\[]?(?:DATE )?(?:in |on )?(?:\d{1,2}/)?(?:19|20)\d\d\b(?![/-])", re.IGNORECASE
)
_ACT = re.compile(
    r"\b(?:done|placed|inserted|performed|put in|deployed|removed|biopsied|treated|taken|obtained)"
    r"[ (]*(?:(?:\w+ ){0,4}(?:0?[1-9]|1[0-2])/[0-3]?\d(?:/\d{2,4})?(?![/\d]| of\b)"
    r"|\[DATE[^\]]*\])",
    re.IGNORECASE,
)
_REACH = 45
"""Characters between a mention and a dated act that may speak of it."""


def is_dated(text: str, position: int) -> bool:
    """Whether a year follows the name that ends at `position`."""
    return _YEAR.match(text, position) is not None


def beside_dated_act(note: ScannedNote, mention: Spot) -> bool:
    """Whether a dated act stands beside a mention in its sentence, with no full stop between."""
    sentence, text = note.sentences[mention.sentence], note.text
    left = max(sentence.start, mention.start - _REACH)
    right = min(sentence.end, mention.end + _REACH)
    window = text[left:right]
    act = _ACT.search(text, left, right) if "/" in window or "[DATE" in window else None
    if act is None:
        return False
    ends_before = act.end() <= mention.start
    between = text[act.end() : mention.start] or text[mention.end : act.start()]
    return not any(mark in between.lstrip(" ,") for mark in (".;" if ends_before else ".,;"))
