"""What clinicians and patients say -> official wording: the shipped synonyms read backwards.

Abbreviations are read by the search itself (`thce.codes.abbreviations`), which weighs their
meanings against each other; here are phrases that mean one thing.
"""

import csv
import re
from functools import cache
from importlib.resources import files

SHORTEST = 4  # letters of a phrase that is read
_LEADING = re.compile(r"^(?:with|without|and|of)\s+", re.IGNORECASE)


def in_official_words(text: str) -> str:
    """The text with lay and clinical phrases in official wording, the longest phrase first."""
    pattern, table = _phrases()
    return pattern.sub(lambda found: table[found[0].lower()], text)


@cache
def _phrases() -> tuple[re.Pattern[str], dict[str, str]]:
    text = files("thce.coder").joinpath("data/clinical_synonyms.csv").read_text(encoding="utf-8")
    table: dict[str, str] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        for said in row["said"].split("|"):
            phrase = _LEADING.sub("", said.strip()).lower()
            official = _LEADING.sub("", row["official"].strip())
            if len(phrase) >= SHORTEST and official and phrase != official.lower():
                table.setdefault(phrase, official)
    longest = sorted(table, key=lambda phrase: (-len(phrase), phrase))
    whole = "|".join(map(re.escape, longest))
    return re.compile(rf"(?<!\w)(?:{whole})(?!\w)", re.IGNORECASE), table
