"""What of a narrative cannot tell a diagnosis: times, doses, measurements, words of narration.

The search by words weighs a word by how rare it is among official terms. "Weeks", "twice" and
"4/5" are rare there and say nothing, so they are taken out before ICD-10-CM is searched. Numbers
that name a stage, a type or a grade stay. CPT and HCPCS tell procedures apart by minutes, views
and doses: their narratives are searched as they are.
"""

import re

_WORDS = """ago after again all also always annual any asked ask back before began begun better
booked brought came cc check checked clear clinic come consult continue continued cm daily day days
did discussed dose done drawn dr due ed ends every exam examined feels felt few film films fine
first follow followup found from gave getting given go goes going good got had has here home hour
hours intact is its keep kept kg last later like listed look looks lot mg min minutes ml mm month
months morning mother much name need needed negative new next night noted now off offered office old
on once one ordered our out over past patient pending placed plan planned plans pt put reassured
recheck refer referral referred report reported reports return returned returns review reviewed run
same says scheduled see seen sent seven several she shift showed showing shows since six sized some
start started starting states status stay steady stop stopped still take taken takes taking tell ten
that then there third three today told tomorrow tonight took total transfer tried twice two under
until up use used using usual values very via visit vitals wants was week weekly weeks well went
will within without work worked works year years yesterday yet yo man woman male female gentleman
lady boy girl mom dad wife husband son daughter lives retired worker"""
_NARRATION = frozenset(_WORDS.split()) - {"without", "negative", "status"}
_NUMBER = re.compile(
    r"(?P<kept>\b(?:type|stage|grade|class|category|group|level|degree|phase|trisomy|vitamin|factor"
    r"|covid|hepatitis|bipolar|diabetes|dm)[ -]?(?:[ivx]+|\d+[ab]?)\b)|"
    r"[<>~]?\b\d[\d,.]*(?:\s*(?:[-/x]|to)\s*\d[\d,.]*)*\s*"
    r"(?:mg|mcg|g|kg|ml|l|mm|cm|%|mmhg|bpm|units?|c|f|lbs?|pack-years?|k)?\b%?",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


def without_narration(text: str) -> str:
    """The text with measurements and words of narration taken out; punctuation stays."""
    bare = _NUMBER.sub(lambda found: found["kept"] or " ", text)
    return _WORD.sub(lambda word: "" if word[0].lower() in _NARRATION else word[0], bare)
