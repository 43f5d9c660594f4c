"""Dates as code files and command lines write them."""

import datetime
import re

from thce.codes.entries import day_number
from thce.errors import InputError

PATTERNS = ("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%d-%b-%Y", "%d-%b-%y", "%m/%d/%y")
NONE = ("", "0", "00000000", "99991231", "12/31/9999", "9999-12-31", "null", "none", "n/a")


def file_date(text: str) -> int:
    """A date of a code file as yyyymmdd, 0 where there is none.

    Raises:
        ValueError: it is written in no known way.
    """
    plain = re.sub(r"( 00:00:00|\.0+)$", "", text.strip())
    if plain.lower() in NONE:
        return 0
    for pattern in PATTERNS:
        try:
            return day_number(datetime.datetime.strptime(plain, pattern).date())
        except ValueError:
            continue
    raise ValueError(f"{text[:20]!r} is not a date; write it as 20260401 or 2026-04-01")


def option_date(option: str, text: str) -> datetime.date:
    """An ISO date given on the command line.

    Raises:
        InputError: it is none.
    """
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: {text[:20]!r} is not a date; write it as 2026-04-01") from None
