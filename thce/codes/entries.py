"""What every source of codes delivers: entries, and how long each was in force."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from thce.codes.code_types import CodeType


@dataclass(frozen=True, slots=True)
class Lifetime:
    """When a code could be billed, as far as its source knows; yyyymmdd, 0 where unknown.

    Between `absent_before` and `active_from`, and between `active_to` and `gone_from`, the source
    cannot say: it has tables of some dates only.
    """

    absent_before: int = 0
    active_from: int = 0
    active_to: int = 0
    gone_from: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One code, or a chapter or block above codes.

    Attributes:
        code: canonical spelling.
        description: official for ICD-10-CM and HCPCS; our own or the licensed one for CPT.
        kind: chapter, block, category, subcategory, code or retired.
        parent: the entry above, or empty.
        reportable: something one puts on a claim, now or in its time.
        lifetime: when.
        notes: kind of note (inclusion_terms, includes, excludes1, ...) -> texts.
    """

    code: str
    description: str
    kind: str = "code"
    parent: str = ""
    reportable: bool = True
    lifetime: Lifetime = Lifetime()
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a catalogue comes from.

    Attributes:
        code_type: which codes.
        version: the release's name.
        effective: the release's date, ISO.
        origin: package or file.
        licence: what one may do with the wording.
        complete: whether a code that is absent does not exist.
        covers_until: ISO date after which a newer release holds, or empty.
    """

    code_type: CodeType
    version: str
    effective: str
    origin: str
    licence: str
    complete: bool
    covers_until: str = ""


def day_number(date: datetime.date) -> int:
    """A date as yyyymmdd."""
    return date.year * 10000 + date.month * 100 + date.day


def day_date(day: int) -> datetime.date:
    """The date of a yyyymmdd."""
    return datetime.date(day // 10000, day // 100 % 100, day % 100)


def day_after(day: int) -> int:
    """The day after a yyyymmdd."""
    return day_number(day_date(day) + datetime.timedelta(days=1))
