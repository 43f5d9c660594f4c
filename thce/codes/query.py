"""What a typed query means: words, their near forms, and the alternatives of an abbreviation.

A query is a list of slots. A slot is one idea with alternatives ("MI": myocardial infarction, or
mitral insufficiency); an alternative is a few words; a word has forms in the index, each with how
well it stands for what was typed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from thce.codes.abbreviations import Abbreviations
from thce.codes.typos import Vocabulary
from thce.codes.words import NEGATED, index_words, negate

RELATIVE = 0.75  # diabetic for diabetes
CONTINUED = 0.7  # diabet...
MISTYPED = {1: 0.8, 2: 0.55}  # by edit distance
FOUR_LETTERS, EIGHT_LETTERS = 4, 8  # from here one edit, and two, are forgiven
MOST_FORMS = 24
CAREFUL = 12  # from this many words on, a text is prose: its unknown words are not typing errors


@dataclass(frozen=True)
class Form:
    """A word of the index that stands for a typed one, and how well."""

    word: int
    share: float


Alternative = tuple[tuple[Form, ...], ...]


@dataclass(frozen=True)
class Slot:
    """One idea of a query: any of its alternatives may be found."""

    alternatives: tuple[Alternative, ...]


class Reader:
    """Reads queries against one index's vocabulary."""

    def __init__(self, vocabulary: Vocabulary, abbreviations: Abbreviations) -> None:
        self._vocabulary = vocabulary
        self._abbreviations = abbreviations

    def read(self, text: str) -> list[Slot]:
        """The slots of a query; empty where nothing of it is known."""
        prose = len(text.split()) >= CAREFUL
        slots, seen = [], set()
        for stretch in self._abbreviations.split(text):
            alternatives = []
            for spelling in stretch.spellings:
                words = index_words(spelling)
                if stretch.negated:
                    words = [negate(word) for word in words]
                known = tuple(forms for word in words if (forms := self._forms(word, prose)))
                if known:
                    alternatives.append(known)
            for slot in _slots(alternatives):
                if slot not in seen:
                    seen.add(slot)
                    slots.append(slot)
        return slots

    def _forms(self, word: str, prose: bool) -> tuple[Form, ...]:
        """The index's words for a typed word, best first."""
        found = {self._vocabulary.index(word): 1.0}
        for relative in self._vocabulary.relatives(word):
            found.setdefault(relative, RELATIVE)
        if len(found) == 1 and -1 in found and not prose:
            found |= self._guesses(word)
        found.pop(-1, None)
        ranked = sorted(found.items(), key=lambda item: -item[1])[:MOST_FORMS]
        return tuple(Form(index, share) for index, share in ranked)

    def _guesses(self, word: str) -> dict[int, float]:
        """What an unknown word may have been meant as."""
        if len(word) < FOUR_LETTERS or word.startswith(NEGATED) or not word.isalpha():
            return {}
        continued = self._vocabulary.starting_with(word)
        found = dict.fromkeys(continued, CONTINUED) if len(continued) <= MOST_FORMS else {}
        farthest = 2 if len(word) >= EIGHT_LETTERS else 1
        near = self._vocabulary.near(word, farthest)
        nearest = near[0][1] if near else 0
        found |= {index: MISTYPED[far] for index, far in near if 0 < far == nearest}
        return found


def _slots(alternatives: Sequence[Alternative]) -> Iterator[Slot]:
    """One slot where there is a choice; without one, a slot per word."""
    if len(alternatives) == 1:
        yield from (Slot(((forms,),)) for forms in alternatives[0])
    elif alternatives:
        yield Slot(tuple(alternatives))
