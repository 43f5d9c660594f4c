"""De-identification by patterns. Patterns, and nothing more: this is not a guarantee.

What is recognized is what a form gives away: numbers of a known shape, names that a title, a
credential or a label announces, facilities that call themselves hospital or clinic, dates. A name
or a place in running text with nothing beside it stays. What share is found, kind by kind, is
measured on planted identifiers (`thce notes recall`, docs/notes.md). Whoever lets notes leave
needs a person's review and an expert's determination besides (45 CFR 164.514).
"""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator

from thce.notes.recognize_contacts import (
    recognize_addresses_of_the_net,
    recognize_phones,
    recognize_social_security,
)
from thce.notes.recognize_dates import recognize_dates
from thce.notes.recognize_names import recognize_names
from thce.notes.recognize_numbers import (
    recognize_ages,
    recognize_labelled_numbers,
    recognize_long_numbers,
)
from thce.notes.recognize_places import recognize_facilities, recognize_postal
from thce.notes.spans import KINDS, Recognizer, Source, Span

RECOGNIZERS: tuple[Recognizer, ...] = (
    recognize_names,
    recognize_facilities,
    recognize_postal,
    recognize_phones,
    recognize_addresses_of_the_net,
    recognize_social_security,
    recognize_labelled_numbers,
    recognize_long_numbers,
    recognize_ages,
    recognize_dates,
)

PLACEHOLDER = re.compile(
    r"\[(?:NAME|FACILITY|ADDRESS|ZIP|PHONE|EMAIL|URL|SSN|ID|AGE>89|DATE(?: \d{2,4})?)\]"
)
_RANK = {kind: rank for rank, kind in enumerate(KINDS)}


def find(text: str) -> list[Span]:
    """The identifiers that the patterns see in a normalized text.

    Returns:
        Spans that do not overlap, in order. Finds that overlap become one span, named by the kind
        that stands first in `KINDS`. Placeholders already in the text are left alone.
    """
    source = Source(text)
    finds = sorted(span for recognize in RECOGNIZERS for span in recognize(source))
    if "[" in text:
        finds = list(_outside_placeholders(text, finds))
    return list(_merged(finds))


def deidentify(text: str) -> tuple[str, Counter[str]]:
    """Replaces what the patterns see by placeholders such as `[NAME]` and `[DATE 2091]`.

    Args:
        text: a normalized text.

    Returns:
        The text, and how many spans of each kind were replaced.
    """
    pieces: list[str] = []
    counts: Counter[str] = Counter()
    position = 0
    for span in find(text):
        pieces += (text[position : span.start], span.placeholder)
        position = span.end
        counts[span.kind] += 1
    pieces.append(text[position:])
    return "".join(pieces), counts


def _outside_placeholders(text: str, finds: list[Span]) -> Iterator[Span]:
    taken = [match.span() for match in PLACEHOLDER.finditer(text)]
    starts = [start for start, _ in taken]
    for span in finds:
        nearest = bisect_left(starts, span.end) - 1
        if nearest < 0 or taken[nearest][1] <= span.start:
            yield span


def _merged(finds: list[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in finds:
        if current is None or span.start >= current.end:
            if current is not None:
                yield current
            current = span
            continue
        named = min(current, span, key=lambda one: _RANK[one.kind])
        current = Span(current.start, max(current.end, span.end), named.kind, named.placeholder)
    if current is not None:
        yield current
