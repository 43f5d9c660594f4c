"""BIO tags: O, and for every type a B- and an I-, whether or not the data has both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from thce.errors import InputError

OUTSIDE = "O"


@dataclass(frozen=True)
class TagSet:
    """The tags of a set of types: id 0 is O, type t has B at 1 + 2t and I at 2 + 2t."""

    types: tuple[str, ...]

    @classmethod
    def of(cls, types: Iterable[str]) -> "TagSet":
        """The tags of these types, in the order of their names."""
        return cls(tuple(sorted(set(types))))

    @cached_property
    def tags(self) -> tuple[str, ...]:
        """All tags in the order of their ids."""
        return (OUTSIDE, *(f"{part}-{name}" for name in self.types for part in "BI"))

    @cached_property
    def tag2id(self) -> dict[str, int]:
        """The id of each tag."""
        return {tag: number for number, tag in enumerate(self.tags)}

    @property
    def id2tag(self) -> dict[int, str]:
        """The tag of each id."""
        return dict(enumerate(self.tags))

    def to_dict(self) -> dict[str, object]:
        """What tags.json holds."""
        return {"types": list(self.types), "tag2id": self.tag2id}

    @classmethod
    def from_dict(cls, content: Mapping[str, object], where: str) -> "TagSet":
        """Reads what `to_dict` gave.

        Raises:
            InputError: the ids are not those of the types.
        """
        types = content.get("types")
        if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
            raise InputError(f"{where}: types is not a list of names")
        tags = cls(tuple(types))
        if content.get("tag2id") != tags.tag2id:
            raise InputError(f"{where}: tag2id does not follow from the types")
        return tags


def chunks(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """The mentions that a sequence of tags spells, as seqeval reads them by default.

    A mention begins at B, or at an I whose type the tag before it has not; it ends before the
    next beginning or O (Nakayama 2018, seqeval, `get_entities`).

    Returns:
        (type, first word, one past the last word), in order.
    """
    found: list[tuple[str, int, int]] = []
    kind, start = "", 0
    for position, tag in enumerate((*tags, OUTSIDE)):
        part, _, name = tag.partition("-")
        if kind and (part != "I" or name != kind):
            found.append((kind, start, position))
            kind = ""
        if part != OUTSIDE and not kind:
            kind, start = name, position
    return found
