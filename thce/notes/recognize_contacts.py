"""Recognizers of e-mail and web addresses, IP addresses, telephone and social security numbers.

In every recognizer a pattern begins with a literal or a digit and its boundary stands behind it:
the search then leaps from one candidate to the next instead of trying each character.
"""

import re
from collections.abc import Iterator

from thce.notes.spans import Phrases, Source, Span

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,6}")
_URL = re.compile(r"(?i:https?://|ftp://|www\.)[^\s<>\"]{1,2000}(?<![.,;:!?)\]'])")
_IPV4_SIGN = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d")
_IPV4 = re.compile(r"[0-9](?<![\w.]\d)\d{0,2}(?:\.\d{1,3}){3}(?!\w|\.\d)")
_IPV6_SIGN = re.compile(r":(?::|[0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4}:)")
_IPV6 = re.compile(
    r"(?<![\w:])(?=[a-f:]{0,40}\d)"
    r"(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}:){1,6}(?::[0-9a-f]{1,4}){1,6})(?![\w:])",
    re.IGNORECASE,
)

_SUBSCRIBER = re.compile(r"[0-9][0-9]{2}[-. ]\d{4}(?!\w|[-./]\d)")
_AREA_BEFORE = re.compile(r"(?<![\w.-])(?:\+?1[-. ]?)?(?:\(\d{3}\) ?|[2-9]\d\d[-./ ])$")
_EXTENSION = re.compile(r",? ?(?:x|ext\.?|extension) ?\d{1,6}\b", re.IGNORECASE)
_INTERNATIONAL = re.compile(r"\+(?<!\w\+)\d{1,3}(?:[ .-]?\(?\d{2,5}\)?){2,5}(?!\d)")
_UNIT = re.compile(r" ?(?:m[lLgG]\b|cc\b|mcg|g\b|units?\b|IU\b|mm|cm|kcal|cells|h(?:rs?)?\b|%)")
_RANGE_WORD = re.compile(
    r"(?:normal|range|ref\.?|reference|between|from|limits?)[ :=]{0,2}\(?$", re.IGNORECASE
)
_PHONE_WORDS = Phrases(("phone", "tel", "telephone", "fax", "cell", "mobile", "callback"))
_AFTER_PHONE_WORD = re.compile(
    r"(?:[ :.#]|number|no\b|at\b|is\b){0,4}((?:\+ ?)?\(?\d[\d ().-]{5,16}\d)(?!\w)", re.IGNORECASE
)
_PAGER_WORDS = Phrases(("pager", "beeper"))
_EXTENSION_WORDS = Phrases(("ext", "extension"))
_AFTER_PAGER_WORD = re.compile(r"[.:# ]{0,3}(?:x ?)?(\d{3,6}|\d-\d{4})\b")
_SHORT_EXTENSION = re.compile(r"x(?<!\wx)(?<!\d x)(?:\d-\d{4}|\d{4,5})\b")

_SSN_END = re.compile(r"([-.])(?<=\d{3}.)(?<![\w.-]\d{3}.)\d\d\1\d{4}(?!\w|[-.]\d)")
_MASKED_SSN = re.compile(r"-(?:[xX]{2}|\*{2}|#{2})-\d{4}\b")
_SSN_WORDS = Phrases(("ssn", "ss#", "social security", "social", "soc sec", "soc. sec."))
_AFTER_SSN_WORD = re.compile(
    r"(?:[ :.#]|security|number|no\b|is\b|verified\b){0,6}(\d{3}[- .]?\d\d[- .]?\d{4}|\d{4})(?!\w)",
    re.IGNORECASE,
)


def recognize_addresses_of_the_net(source: Source) -> Iterator[Span]:
    """E-mail addresses, URLs and IP addresses."""
    text = source.text
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield Span(*match.span(), "email", "[EMAIL]")
    if "://" in text or "www." in source.lower:
        for match in _URL.finditer(text):
            yield Span(*match.span(), "url", "[URL]")
    if _IPV4_SIGN.search(text):
        for match in _IPV4.finditer(text):
            if all(int(part) < 256 for part in match.group().split(".")):
                yield Span(*match.span(), "url", "[URL]")
    if _IPV6_SIGN.search(text):
        for match in _IPV6.finditer(text):
            yield Span(*match.span(), "url", "[URL]")


def recognize_phones(source: Source) -> Iterator[Span]:
    """Telephone, fax and pager numbers and extensions."""
    text = source.text
    for match in _SUBSCRIBER.finditer(text):
        offset = max(0, match.start() - 14)
        area = _AREA_BEFORE.search(text[offset : match.start()])
        start = offset + area.start() if area else match.start()
        if area or _is_local_number(text, *match.span()):
            yield Span(start, _after_extension(text, match.end()), "phone", "[PHONE]")
    for match in _INTERNATIONAL.finditer(text):
        yield Span(*match.span(), "phone", "[PHONE]")
    for match in _SHORT_EXTENSION.finditer(text):
        if not _UNIT.match(text, match.end()):
            yield Span(*match.span(), "phone", "[PHONE]")
    yield from _labelled_phones(source)


def _labelled_phones(source: Source) -> Iterator[Span]:
    text = source.text
    for word in source.present(_PHONE_WORDS):
        for end in source.ends_of(word):
            if match := _AFTER_PHONE_WORD.match(text, end):
                stop = _after_extension(text, match.end())
                yield Span(match.start(1), stop, "phone", "[PHONE]")
    for word in source.present(_PAGER_WORDS):
        for end in source.ends_of(word):
            if number := _AFTER_PAGER_WORD.match(text, end):
                yield Span(*number.span(1), "phone", "[PHONE]")
    for word in source.present(_EXTENSION_WORDS):
        for end in source.ends_of(word):
            if number := _AFTER_PAGER_WORD.match(text, end):
                yield Span(end - len(word), number.end(), "phone", "[PHONE]")


def _after_extension(text: str, end: int) -> int:
    extension = _EXTENSION.match(text, end)
    return extension.end() if extension else end


def _is_local_number(text: str, start: int, end: int) -> bool:
    """Whether 555-0143 rather than an amount: 200-1000, before a unit, or called a range."""
    if text[start + 3] != "-" or text[start] in "01":
        return False
    if start and (text[start - 1].isalnum() or text[start - 1] in "./-_"):
        return False
    low, high = int(text[start : start + 3]), int(text[start + 4 : end])
    if low < high and low % 50 == 0 and high % 50 == 0:
        return False
    return not _UNIT.match(text, end) and not _RANGE_WORD.search(text[max(0, start - 14) : start])


def recognize_social_security(source: Source) -> Iterator[Span]:
    """Social security numbers, whole or their last four digits."""
    text = source.text
    for match in _SSN_END.finditer(text):
        yield Span(match.start() - 3, match.end(), "ssn", "[SSN]")
    if "-xx-" in source.lower or "-**-" in text or "-##-" in text:
        for match in _MASKED_SSN.finditer(text):
            yield Span(max(0, match.start() - 3), match.end(), "ssn", "[SSN]")
    for word in source.present(_SSN_WORDS):
        for end in source.ends_of(word):
            if number := _AFTER_SSN_WORD.match(text, end):
                yield Span(*number.span(1), "ssn", "[SSN]")
