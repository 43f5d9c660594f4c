"""Official wording -> what clinicians and patients say: synonyms and abbreviations, by draw."""

import csv
from functools import cache
from importlib.resources import files

from thce.coder.draw import Draw
from thce.codes.abbreviations import ITSELF

_WITH_SLASH = {
    "w o": "w/o",
    "i d": "I&D",
    "b l": "B/L",
    "h o": "h/o",
    "s p": "s/p",
    "d t": "d/t",
    "n v": "N/V",
    "u a": "UA",
    "u s": "US",
}
LONGEST = 12  # words of a phrase
_EDGES = ",;"
_NOT_BACKWARDS = frozenset({"arm", "leg", "hand", "foot", "ed", "er", "other", "vaccine"})


def say_clinically(text: str, draw: Draw, percent: int) -> str:
    """Puts clinical words in place of official phrases, the longest phrase first.

    Args:
        text: an official term.
        draw: decides what is replaced and by what.
        percent: how many of a hundred phrases are replaced.
    """
    tokens = text.split()
    plain = [token.lower().strip(_EDGES) for token in tokens]
    said: list[str] = []
    place = 0
    while place < len(tokens):
        length, options = _longest(plain, place)
        if options and draw.chance(percent):
            chosen = draw.one(options)
            if chosen:
                said.append(chosen + ("," if tokens[place + length - 1].endswith(",") else ""))
            place += length
        else:
            said.append(tokens[place])
            place += 1
    return " ".join(said).strip(" ,")


def _longest(plain: list[str], place: int) -> tuple[int, tuple[str, ...]]:
    table, longest = _phrases()
    for length in range(min(longest.get(plain[place], 0), len(plain) - place), 0, -1):
        options = table.get(tuple(plain[place : place + length]))
        if options:
            return length, options
    return 0, ()


@cache
def _phrases() -> tuple[dict[tuple[str, ...], tuple[str, ...]], dict[str, int]]:
    """Phrase -> wordings, and first word -> words of its longest phrase."""
    table: dict[tuple[str, ...], list[str]] = {}
    for row in _rows("thce.coder", "data/clinical_synonyms.csv"):
        table.setdefault(_words(row["official"]), []).extend(row["said"].split("|"))
    for row in _rows("thce.codes", "data/abbreviations.csv"):
        short = row["short"].upper() if row["case"] == "upper" else row["short"]
        short = _WITH_SLASH.get(short, short)
        for meaning in row["meanings"].split("|"):
            words = _words(meaning)
            if meaning.strip() != ITSELF and row["short"] not in _NOT_BACKWARDS and words:
                table.setdefault(words, []).append(short)
    longest: dict[str, int] = {}
    for words in table:
        longest[words[0]] = max(longest.get(words[0], 0), len(words))
    return {words: tuple(dict.fromkeys(said)) for words, said in table.items()}, longest


def _rows(package: str, path: str) -> list[dict[str, str]]:
    text = files(package).joinpath(path).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _words(phrase: str) -> tuple[str, ...]:
    return tuple(word.strip(_EDGES) for word in phrase.lower().split())[:LONGEST]
