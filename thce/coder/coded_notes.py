"""A note with the codes that somebody gave it, in whichever layout it came."""

from collections import Counter
from dataclasses import dataclass, field

from thce.codes.code_types import CodeType


@dataclass(frozen=True)
class CodedNote:
    """A note as it was read, identifiers and all.

    Attributes:
        id: of the note in its layout.
        text: raw.
        code_type: of the codes.
        codes: in the order of their rank, in any spelling; empty where nobody coded the note.
    """

    id: str
    text: str
    code_type: CodeType
    codes: tuple[str, ...]


@dataclass
class Refused:
    """What a reader did not take, counted by reason; the reasons hold no text of a note."""

    reasons: Counter[str] = field(default_factory=Counter)
