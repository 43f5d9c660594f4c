"""Words: what is tagged. The one way in which a text is cut, for training and for answers."""

import re
from dataclasses import dataclass

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Words:
    """The words of a text.

    Attributes:
        texts: n words: runs of letters and digits, or one sign.
        spans: their characters, half-open, in order.
    """

    texts: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def __len__(self) -> int:
        return len(self.texts)


def words_of(text: str) -> Words:
    """Cuts a text into words."""
    found = [(match[0], match.span()) for match in _WORD.finditer(text)]
    return Words(tuple(word for word, _ in found), tuple(span for _, span in found))
