"""Recognizers of facilities, postal addresses and ZIP codes."""

import re
from collections.abc import Iterator

from thce.notes.lexicon import GENERIC_PLACES, NOT_NAMES, SPECIALTIES
from thce.notes.spans import Source, Span

_FACILITY_END = re.compile(
    r"(?:Hospitals?|HOSPITALS?|Hospice|HOSPICE|Home Care|Healthcare"
    r"|Heart (?:Center|Centre|Institute)"
    r"|Health(?:care| Care)? (?:System|Network|Services|Center|Centre|Partners|Trust)"
    r"|HEALTH(?:CARE)? (?:SYSTEM|NETWORK|CENTER)|HEART (?:CENTER|INSTITUTE)"
    r"|Medical (?:Center|Centre|Group|Associates)|MEDICAL (?:CENTER|CENTRE|GROUP)|Manor|Memorial"
    r"|Clinics?|CLINICS?|Cancer (?:Center|Centre|Institute)|CANCER (?:CENTER|INSTITUTE)"
    r"|Care Cent(?:er|re)|Infirmary|INFIRMARY|Imaging Cent(?:er|re)|Institute|INSTITUTE"
    r"|Nursing (?:Home|Facility)|NURSING HOME|Skilled Nursing Facility|Surgery Cent(?:er|re)"
    r"|Surgical Cent(?:er|re)|SURGERY CENTER|Sanatorium"
    r"|Rehab(?:ilitation)? (?:Center|Centre|Hospital)"
    r"|Lung (?:Center|Centre|Institute)|Living Cent(?:er|re)|Trauma Cent(?:er|re)"
    r"|Wellness Cent(?:er|re)|Pharmacy|PHARMACY|Foundation|Associates|ASSOCIATES)(?!\w)"
    r"(?: of (?:the )?[A-Z][\w'-]+(?: [A-Z][\w'-]+)?)?"
)
_WORDS_BEFORE = re.compile(
    r"(?:(?:St\. )?(?<![\w'-])[A-Z][\w'-]*(?: (?:of|and|&)(?: the)?(?= [A-Z]))? ){1,8}$"
)
_TOKEN = re.compile(r"[^ ]+")
_CONNECTIVES = re.compile(r"(?:(?:of|and|&|the) )+")
_FIELD_ENDINGS = ("ology", "iatry", "iatric", "iatrics", "therapy", "tion", "ment", "ance", "ics")

_STREET = (
    r"(?:Street|St(?!\. [A-Z])|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr(?=[,\n]|\.?\n|\.?$)|Boulevard"
    r"|Blvd|Way|Court|Ct|Crescent|Place|Pl|Terrace|Parkway|Pkwy|Highway|Hwy|Pike|Turnpike|Square|Row"
    r"|Close|Circle|Trail|Hill)\b\.?"
)
_STREET_SIGN = re.compile(_STREET)
_UNIT = (
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Building|Bldg|Floor|Room)\b\.? ?[\w-]{1,6}"
    r"|,? #\w{1,6})?"
)
_CITY = r"(?:, ?[A-Z][A-Za-z'.-]+(?: [A-Z][A-Za-z'.-]+){0,2}(?!\w))?(?:,? [A-Z]{2}\b)?"
_ZIP_AFTER = r"(?:,? (?P<zip>\d{5}(?:-\d{4})?)(?!\w))?"
_ADDRESS = re.compile(
    r"[0-9](?<![\w.,/#-]\d)\d{0,4}(?:-?[A-Z])? (?:(?:N|S|E|W|NE|NW|SE|SW)\b\.? )?"
    rf"(?!Fr\b|French|Gauge|G\b|L\b|R\b)(?:[A-Z][\w'-]+ ){{1,3}}{_STREET}{_UNIT}{_CITY}{_ZIP_AFTER}"
)
_BOX = re.compile(rf"(?i:p\.? ?o\.? box) ?#?\d{{1,6}}{_CITY}{_ZIP_AFTER}")
_STATE_AND_ZIP = re.compile(r", (?P<state>[A-Z]{2}) (?P<zip>\d{5}(?:-\d{4})?)(?![\w-])")
_CREDENTIALS = frozenset(("MD", "DO", "PA", "NP", "RN"))
_CITY_BEFORE = re.compile(r"(?<![\w'-])[A-Z][a-z'-]+(?: [A-Z][a-z'-]+){0,2}$")
_ZIP_WORDS = ("zip", "postal", "postcode", "post")
_LABELLED_ZIP = re.compile(
    r"(?:zip|postal|post)[ -]?(?:code)?[ :#]{1,3}(\d{5}(?:-\d{4})?)(?!\w)", re.IGNORECASE
)
_LONG_ZIP = re.compile(r"[0-9][0-9]{4}(?<![\w.-]\d{5})-\d{4}(?![\w-])")


def recognize_facilities(source: Source) -> Iterator[Span]:
    """Hospitals, clinics and the like by their own name; `Pulmonary Clinic` is nobody's name."""
    text = source.text
    for suffix in _FACILITY_END.finditer(text):
        offset = max(0, suffix.start() - 80)
        words = _WORDS_BEFORE.search(text[offset : suffix.start()])
        if not words:
            continue
        start = _own_name(text, offset + words.start(), suffix.start())
        if start is not None:
            yield Span(start, suffix.end(), "facility", "[FACILITY]")


def _own_name(text: str, start: int, end: int) -> int | None:
    """Where the name begins after the last common word; None if only generic words are left."""
    has_own_word = False
    for token in _TOKEN.finditer(text, start, end):
        word = token.group().strip(".").lower()
        if token.group() != "AND" and _is_generic(word):
            continue
        has_own_word = word not in NOT_NAMES and token.group() != "AND"
        if not has_own_word:
            start = token.end() + 1
    if not has_own_word:
        return None
    leading = _CONNECTIVES.match(text, start)
    return leading.end() if leading else start


def _is_generic(word: str) -> bool:
    if len(word) < 2 or word in SPECIALTIES or word in GENERIC_PLACES:
        return True
    return word.endswith(_FIELD_ENDINGS)


def recognize_postal(source: Source) -> Iterator[Span]:
    """Street addresses and post boxes with the city that follows; ZIP codes."""
    text = source.text
    if _STREET_SIGN.search(text):
        for match in _ADDRESS.finditer(text):
            yield from _address(match)
    if "box" in source.words:
        for match in _BOX.finditer(text):
            yield from _address(match)
    for match in _STATE_AND_ZIP.finditer(text):
        city = _CITY_BEFORE.search(text[max(0, match.start() - 60) : match.start()])
        if city and match["state"] not in _CREDENTIALS:
            start = match.start() - len(city.group())
            yield Span(start, match.end("state"), "address", "[ADDRESS]")
            yield Span(*match.span("zip"), "zip", "[ZIP]")
    if not source.words.isdisjoint(_ZIP_WORDS):
        for match in _LABELLED_ZIP.finditer(text):
            yield Span(*match.span(1), "zip", "[ZIP]")
    for match in _LONG_ZIP.finditer(text):
        yield Span(*match.span(), "zip", "[ZIP]")


def _address(match: re.Match[str]) -> Iterator[Span]:
    if match["zip"]:
        yield Span(*match.span("zip"), "zip", "[ZIP]")
        yield Span(match.start(), match.start("zip") - 1, "address", "[ADDRESS]")
    else:
        yield Span(*match.span(), "address", "[ADDRESS]")
