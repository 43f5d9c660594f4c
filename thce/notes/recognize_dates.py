"""Recognizer of dates: the year stays, the month and day go; a birth date loses the year too."""

import re
from collections.abc import Iterator

from thce.notes.lexicon import words
from thce.notes.spans import Source, Span

Find = tuple[int, int, str]
"""Start, end and the year as written, or an empty string."""

_MONTH_PARTS = (
    ("jan", "uary"),
    ("feb", "ruary"),
    ("mar", "ch"),
    ("apr", "il"),
    ("may", ""),
    ("jun", "e"),
    ("jul", "y"),
    ("aug", "ust"),
    ("sep", "t(?:ember)?"),
    ("oct", "ober"),
    ("nov", "ember"),
    ("dec", "ember"),
)
_MONTHS = "|".join(f"{short}(?:{rest})?" for short, rest in _MONTH_PARTS)
_CAPITAL_MONTHS = "|".join(
    f"{short.capitalize()}(?:{rest})?|{short.upper()}(?:(?i:{rest}))?"
    for short, rest in _MONTH_PARTS
)
_LONG_MONTHS = words(
    "january february march april june july august september october november december"
)
_WORDS_TOO = ("may", "mar", "march")

_YEAR = r"(?:1[89]|2[01])\d\d(?!\d)|'\d\d(?!\d)"
_AMOUNT = (
    r" ?(?:mm|cm|m[lL]\b|cc\b|m?c?g\b|kg|%|Fr\b|French|units?\b|times|x\b|L\b|sec|min|hours?|hrs?\b"
    r"|days?\b|weeks?|months?|years?|passes|doses|W\b|J\b|/)"
)
_AMOUNT_AFTER = re.compile(_AMOUNT)

_NUMERIC = re.compile(
    r"[0-9](?<![\w./]\d)\d{0,3}(?P<mark>[/.-])\d{1,4}(?:(?P=mark)\d{1,4})?(?!\d|\.\d)"
)
_COMPACT = re.compile(r"(?P<year>[12](?<![\w./-].)[09]\d\d)(?P<month>\d\d)(?P<day>\d\d)(?![\w-])")
_DAY_THEN_MONTH = re.compile(
    r"[0-9](?<![\w./-].)\d?(?i:st|nd|rd|th)?(?: of |[ -]?)"
    rf"(?P<month>(?i:{_MONTHS}))(?![A-Za-z])\.?"
    rf"(?:,? ?(?:of )?(?P<year>{_YEAR})|(?:-|(?<=[A-Za-z]))(?P<short>\d\d(?:\d\d)?)(?![\w/-]))?"
)
_MONTH_FIRST = (
    r"(?![A-Za-z])(?:\.? (?:\d{1,2}(?:st|nd|rd|th)?(?!\d|[./:-]\d)"
    rf"(?:,? ?(?P<year>{_YEAR})|(?!{_AMOUNT}))|(?:of )?(?P<only>{_YEAR}))"
    r"|[-/]\d{1,2}[-/](?P<joined>\d{4}|\d\d)(?!\d))"
)
_MONTH_THEN_DAY = re.compile(rf"(?P<month>{_CAPITAL_MONTHS}){_MONTH_FIRST}")
_LOWER_MONTH_THEN_DAY = re.compile(rf"(?P<month>{_MONTHS}){_MONTH_FIRST}")

_RANGE_AFTER = re.compile(r" ?- ?\d{1,2}/\d{1,2}(?![\w/])")
_FRACTION_AFTER = re.compile(rf"[\w%-]| of\b|{_AMOUNT}")
_DATE_CUE = re.compile(
    r"\b(?:on|since|until|till|dated?|f/?u|follow[- ]?up|discharged?|d/c'?d?|admit(?:ted)?|seen"
    r"|scan|visit|film|out|appt|appointment|due|rtc|returns?)[: ]{1,2}$",
    re.IGNORECASE,
)
_SCALE_BEFORE = re.compile(
    r"bi-?pap|cpap|peep|vent\b|ventilat|pressure|strength|scale|grade|pain", re.IGNORECASE
)
_WEEKDAY_BEFORE = re.compile(
    r"\b(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\.?,? (?:the )?$",
    re.IGNORECASE,
)
_DAY_OF_WEEK = re.compile(r"day,? (?:the )?\d{1,2}(?:st|nd|rd|th)\b")
_WEEKDAY_STEM = re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)$", re.IGNORECASE)
_BIRTH_BEFORE = re.compile(
    r"(?:\bdob|\bd\.o\.b\.?|birth ?date|date of birth|\bborn(?: on)?|birthday)[ :(=-]{0,4}$",
    re.IGNORECASE,
)


def recognize_dates(source: Source) -> Iterator[Span]:
    """Dates in the common numeric and written forms.

    A fraction such as 3/4 is taken for a day and month only after a word such as `on` or `since`.
    A month alone, a weekday alone or `the 9th` stay.
    """
    text = source.text
    for start, end, year in _finds(source):
        if weekday := _WEEKDAY_BEFORE.search(text[max(0, start - 16) : start]):
            start -= len(weekday.group())
        if _BIRTH_BEFORE.search(text[max(0, start - 20) : start]):
            year = ""
        yield Span(start, end, "date", f"[DATE {year}]" if year else "[DATE]")


def _finds(source: Source) -> Iterator[Find]:
    text = source.text
    for match in _NUMERIC.finditer(text):
        if find := _numeric(text, match):
            yield find
    for match in _COMPACT.finditer(text):
        if _are_day_and_month(match["month"], match["day"]):
            yield *match.span(), match["year"]
    yield from _written(source)
    for match in _DAY_OF_WEEK.finditer(text):
        if stem := _WEEKDAY_STEM.search(text[max(0, match.start() - 8) : match.start()]):
            yield match.start() - len(stem.group()), match.end(), ""


def _numeric(text: str, match: re.Match[str]) -> Find | None:
    """What 3/14/2091, 2091-03-14, 14.3.91, 3/2091 or 3/14 says, where it is a date."""
    mark, parts = match["mark"], match.group().split(match["mark"])
    start, end = match.span()
    hyphenated = text[start - 1 : start] == "-"
    if mark == "/":
        return _slashed(text, start, end, parts)
    after = text[end : end + 1]
    if hyphenated or len(parts) < 3 or (after == mark and text[end + 1 : end + 2].isdigit()):
        return None
    first, second, third = parts
    if len(first) == 4:
        follows = after.isalnum() and after != "T"
        is_date = first[:2] in ("18", "19", "20", "21") and _are_day_and_month(second, third)
        return (start, end, first) if is_date and not follows else None
    if after.isalnum() or not _are_day_and_month(first, second) or _AMOUNT_AFTER.match(text, end):
        return None
    padded = mark == "." or first.startswith("0") or int(second) > 12
    if len(third) == 4 or (len(third) == 2 and padded):
        return start, end, third
    return None


def _slashed(text: str, start: int, end: int, parts: list[str]) -> Find | None:
    after = text[end : end + 1]
    if after.isalnum() or after == "/":
        return None
    if len(parts) == 3:
        if len(parts[0]) == 4:
            return (start, end, parts[0]) if _are_day_and_month(parts[1], parts[2]) else None
        if not _are_day_and_month(parts[0], parts[1]) or len(parts[2]) not in (2, 4):
            return None
        if len(parts[2]) == 2 and _AMOUNT_AFTER.match(text, end):
            return None
        return start, end, parts[2]
    first, second = parts
    if len(second) == 4 and second[:2] in ("19", "20") and _is_month(first):
        return start, end, second
    return _day_and_month(text, start, end, first, second)


def _day_and_month(text: str, start: int, end: int, first: str, second: str) -> Find | None:
    if text[start - 1 : start] == "-" or not _are_day_and_month(first, second):
        return None
    before = text[max(0, start - 40) : start]
    if not _DATE_CUE.search(before) or _SCALE_BEFORE.search(before):
        return None
    if span := _RANGE_AFTER.match(text, end):
        end = span.end()
    return None if _FRACTION_AFTER.match(text, end) else (start, end, "")


def _written(source: Source) -> Iterator[Find]:
    text = source.text
    patterns = [_DAY_THEN_MONTH, _MONTH_THEN_DAY]
    if any(month in text for month in source.words & _LONG_MONTHS):
        patterns.append(_LOWER_MONTH_THEN_DAY)
    for pattern in patterns:
        for match in pattern.finditer(text):
            start, end = match.span()
            if start and text[start - 1].isalnum():
                continue
            groups = match.groupdict()
            year = next(
                (groups[name] for name in ("year", "short", "only", "joined") if groups.get(name)),
                "",
            )
            if year or match["month"] not in _WORDS_TOO:
                yield start, end, year.strip("'")


def _are_day_and_month(first: str, second: str) -> bool:
    if len(first) > 2 or len(second) > 2:
        return False
    low, high = sorted((int(first), int(second)))
    return 1 <= low <= 12 and high <= 31


def _is_month(digits: str) -> bool:
    return len(digits) <= 2 and 1 <= int(digits) <= 12
