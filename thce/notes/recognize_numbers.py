"""Recognizers of record, account, licence and device numbers, and of ages over 89."""

import re
from collections.abc import Iterator

from thce.notes.lexicon import words
from thce.notes.spans import Phrases, Source, Span

_VALUE = r"(?=[\w/-]{0,30}\d)[A-Za-z0-9][\w/-]{0,40}(?<![-/_])"
_SPACED_VALUE = r"\d{3,4}(?: \d{3,4}){1,3}(?: [A-Z]{1,3}\b)?|[A-Z]{1,4} \d{3,8}\b"
_NUMBER_WORD = r"(?: ?(?:#|(?i:no\b\.?|num\b\.?|number\b|id\b)))"
_TWO_DIGITS, _THREE_DIGITS, _FOUR_DIGITS = (
    rf"(?=(?:[\w/-]{{0,20}}?\d){{{count}}})" for count in (2, 3, 4)
)

# These words name nothing but a number.
_STRONG_LABELS = Phrases(
    ("mrn", "mr#", "mr #", "med rec", "medical record", "acct", "csn", "npi", "accession")
)
_AFTER_STRONG = re.compile(rf"{_NUMBER_WORD}{{0,2}}[ :#.=-]{{0,4}}({_SPACED_VALUE}|{_VALUE})")

# These words name other things too: the sign of a number must follow, or a long one.
_WEAK_LABELS = Phrases(
    words(
        """
        account badge beneficiary card case chart claim dea device encounter group hospital id
        interpreter invoice irb job licence license lot medicaid medicare member order passport
        path pathology plate policy protocol record ref reference s/n serial sn specimen subject
        udi visit
        """
    )
)
_AFTER_WEAK = re.compile(
    rf"(?:{_NUMBER_WORD}{{1,2}}[ :#.]{{0,3}}"
    rf"(?P<marked>{_SPACED_VALUE}|{_TWO_DIGITS}(?=[\w/-]{{3}}){_VALUE})"
    rf"| ?: ?(?P<colon>{_THREE_DIGITS}{_VALUE})"
    rf"| (?P<bare>[A-Z]{{2,4}} \d{{4,8}}\b|{_FOUR_DIGITS}{_VALUE})"
    r"| [A-Z]{2,5} (?P<doubled>(?=[A-Z]{0,4}\d)[A-Z0-9]{5,12}\b))"
)
_LABELS_OF_CODES = words("card case claim encounter order record ref reference visit")
_CPT_LIKE = re.compile(r"[0-9]{5}(?:[-/]\w+)*$")
_DATE_LIKE = re.compile(r"[0-9]{1,4}[/-]\d{1,2}(?:[/-]\d{2,4})?$")

_LONG_RUN = re.compile(r"[0-9][0-9]{5,}")
_TWO_HYPHENS = re.compile(r"-[A-Z0-9]{2,12}-[A-Z0-9]{2,12}")
_JOINED_BEFORE = re.compile(r"[A-Za-z0-9_-]*$")
_JOINED_AFTER = re.compile(r"[\w-]*(?<![-_])")
_UNIT = re.compile(r"[0-9]+ ?(?:units?|iu|u|m?l|mg|mcg|cells|copies|cfu)\b", re.IGNORECASE)
_COMPACT_DATE = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$")
_ISO_DATE = re.compile(r"[0-9]{4}-\d\d-\d\d")

_AGE = re.compile(r"(?:9\d|1[0-3]\d)(?!\d|[.,/:]\d)")
_AGE_AFTER = re.compile(
    r"[ -]?(?:years?|yrs?|y)[ -](?:old|of age)|[ -]?(?:y/?o|y\.o\.?)\b|[ -]?yr?[ -]?old"
    r"|[ -]years?\b(?! ?-?(?:pack|history|survival|follow|risk|smok))",
    re.IGNORECASE,
)
_AGE_BEFORE = re.compile(r"\b(?:aged?|age (?:of|is|at death)|died at)[: ]{1,3}$", re.IGNORECASE)
_AGE_WORDS = re.compile(
    r"\b(?:ninety(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|(?:one|a) hundred(?:(?: and)? (?:one|two|three|four|five|six|seven|eight|nine|ten))?)"
    r"(?=[ -](?:years?|yrs?)\b)",
    re.IGNORECASE,
)
_MEASURE = re.compile(r" ?(?:%|kg|mm|cm|m[lL]|mg|lbs?\b|bpm|minutes|min\b)")


def recognize_labelled_numbers(source: Source) -> Iterator[Span]:
    """Numbers that a label announces: MRN, Acct#, Chart # ZZ-2208, lot, serial, policy."""
    for label in source.present(_STRONG_LABELS):
        for end in source.ends_of(label):
            if match := _AFTER_STRONG.match(source.text, end):
                yield Span(*match.span(1), "id", "[ID]")
    for label in source.present(_WEAK_LABELS):
        for end in source.ends_of(label):
            match = _AFTER_WEAK.match(source.text, end)
            if match and not _is_code_or_date(label, match):
                yield Span(*match.span(match.lastgroup or 0), "id", "[ID]")


def _is_code_or_date(label: str, match: re.Match[str]) -> bool:
    value = match.group(match.lastgroup or 0)
    if match.lastgroup == "marked":
        return False
    if label in _LABELS_OF_CODES and _CPT_LIKE.match(value):
        return True
    return _DATE_LIKE.match(value) is not None


def recognize_long_numbers(source: Source) -> Iterator[Span]:
    """Numbers too long for a code, an amount or a date, with what is joined to them."""
    text = source.text
    for match in _LONG_RUN.finditer(text):
        start, end = _joined(text, *match.span())
        token = text[start:end]
        if _is_long_identifier(token) and not _is_measured(text, start, end):
            yield Span(start, end, "id", "[ID]")
    for match in _TWO_HYPHENS.finditer(text):
        start, end = _joined(text, *match.span())
        token = text[start:end]
        digits = sum(map(str.isdigit, token))
        if digits >= 6 and not token.replace("-", "").isdigit() and not _ISO_DATE.match(token):
            yield Span(start, end, "id", "[ID]")


def _joined(text: str, start: int, end: int) -> tuple[int, int]:
    """A stretch with the letters, digits and hyphens that adjoin it."""
    before = _JOINED_BEFORE.search(text[max(0, start - 40) : start])
    after = _JOINED_AFTER.match(text, end)
    return start - len(before.group() if before else ""), after.end() if after else end


def _is_long_identifier(token: str) -> bool:
    if not token.isdigit():
        return True
    return len(token) >= 7 and not token.endswith("0000") and not _COMPACT_DATE.match(token)


def _is_measured(text: str, start: int, end: int) -> bool:
    """Whether it is the fraction of a decimal or stands before a unit."""
    fraction = (
        text[max(0, start - 1) : start] == "." and text[max(0, start - 2) : start - 1].isdigit()
    )
    whole = text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit()
    return fraction or whole or _UNIT.match(text, start) is not None


def recognize_ages(source: Source) -> Iterator[Span]:
    """Ages from 90 upwards, in digits or words; the number goes, `-year-old` stays."""
    text = source.text
    for match in _AGE.finditer(text):
        start, end = match.span()
        if start and (text[start - 1].isalnum() or text[start - 1] in ".,/<>=:-"):
            continue
        if _MEASURE.match(text, end):
            continue
        before = _AGE_BEFORE.search(text[max(0, start - 16) : start])
        if before or _AGE_AFTER.match(text, end) or _is_age_and_sex(text, start, end):
            yield Span(start, end, "age", "[AGE>89]")
    if not source.words.isdisjoint(("ninety", "hundred")):
        for match in _AGE_WORDS.finditer(text):
            yield Span(*match.span(), "age", "[AGE>89]")


def _is_age_and_sex(text: str, start: int, end: int) -> bool:
    """`97M` or `97F`, but not a fever of 101F."""
    sex = text[end : end + 1]
    known = sex == "M" or (sex == "F" and text[start] == "9")
    return known and not text[end + 1 : end + 2].isalnum()
