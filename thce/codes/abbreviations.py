"""Clinical abbreviations and lay words, each with what it stands for in official terms."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from thce.codes.shipped import shipped_rows
from thce.codes.words import Token, scan

LONGEST_PHRASE = 4
ITSELF = "="  # a meaning: the short form is also an official word


@dataclass(frozen=True)
class Stretch:
    """A word or short form of a text: how it may be spelt, and whether it is negated."""

    spellings: tuple[str, ...]
    negated: bool


class Abbreviations:
    """A table of short forms: tokens -> what they may stand for, the commonest first."""

    def __init__(self, rows: Iterable[dict[str, str]]) -> None:
        self._table: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._capital: set[tuple[str, ...]] = set()
        for row in rows:
            key = _key(row["short"])
            self._table[key] = tuple(part.strip() for part in row["meanings"].split("|"))
            if row["case"] == "upper":
                self._capital.add(key)

    def items(self) -> Iterator[tuple[str, tuple[str, ...], bool]]:
        """Every short form, what it may stand for, and whether it counts in capitals only."""
        for key, meanings in self._table.items():
            yield " ".join(key), meanings, key in self._capital

    def split(self, text: str) -> Iterator["Stretch"]:
        """Cuts a text into single words and short forms.

        A short form marked `upper` counts only where it is written in capitals: "AS" is aortic
        stenosis, "as" is not.
        """
        tokens = scan(text)
        place = 0
        while place < len(tokens):
            length = self._longest(text, tokens, place)
            taken = tokens[place : place + max(length, 1)]
            words = tuple(token.text for token in taken)
            short = " ".join(words)
            meanings = self._table[words] if length else (ITSELF,)
            yield Stretch(
                tuple(short if meaning == ITSELF else meaning for meaning in meanings),
                any(token.negated for token in taken),
            )
            place += len(taken)

    def _longest(self, text: str, tokens: list[Token], place: int) -> int:
        """How many tokens from here are a short form; 0 where none is."""
        for length in range(min(LONGEST_PHRASE, len(tokens) - place), 0, -1):
            taken = tokens[place : place + length]
            key = tuple(token.text for token in taken)
            if key in self._table:
                written = text[taken[0].start : taken[-1].end]
                if key not in self._capital or written.isupper():
                    return length
        return 0


@cache
def abbreviations() -> Abbreviations:
    """The shipped table."""
    return Abbreviations(shipped_rows("abbreviations.csv"))


def _key(short: str) -> tuple[str, ...]:
    return tuple(token.text for token in scan(short))
