"""Rare types: which ones are learned, which are merged and which are left out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from pydantic import Field

from thce.config import Config
from thce.ner.documents import Document

FREQUENT, MIDDLE, RARE = "frequent", "middle", "rare"
FREQUENT_ABOVE, RARE_BELOW = 1000, 100


def tier_of(mentions: int) -> str:
    """frequent (over 1000 mentions), middle (100 to 1000) or rare (under 100)."""
    if mentions > FREQUENT_ABOVE:
        return FREQUENT
    return MIDDLE if mentions >= RARE_BELOW else RARE


def count_types(documents: Iterable[Document]) -> dict[str, int]:
    """Mentions per type, the most frequent first."""
    counts = Counter(entity.type for document in documents for entity in document.entities)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


class TypePolicy(Config):
    """What is done with types that have few mentions in the training split.

    Attributes:
        rare: keep them, drop their mentions, or merge them into one type.
        rare_below: types with fewer mentions are rare.
        merge_into: the type that takes them.
    """

    rare: Literal["keep", "drop", "merge"] = "keep"
    rare_below: int = Field(RARE_BELOW, ge=0)
    merge_into: str = Field("Other", pattern=r"^\S+$")

    def mapping(self, counts: Mapping[str, int]) -> dict[str, str | None]:
        """Where each type goes: to itself, to `merge_into`, or to None where it is dropped."""
        rare_goes = {"drop": None, "merge": self.merge_into}
        return {
            name: name if self.rare == "keep" or count >= self.rare_below else rare_goes[self.rare]
            for name, count in counts.items()
        }


def apply_mapping(document: Document, mapping: Mapping[str, str | None]) -> Document:
    """The document with its mentions renamed or left out; a type without an entry is kept."""
    kept = tuple(
        replace(entity, type=name)
        for entity in document.entities
        if (name := mapping.get(entity.type, entity.type)) is not None
    )
    return replace(document, entities=kept)
