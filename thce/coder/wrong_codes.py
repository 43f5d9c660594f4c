"""Wrong answers that a coder could give: near in the tree, on the wrong side, too general."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

from thce.coder.code_tree import CodeTree
from thce.coder.draw import Draw
from thce.coder.facets import Facets, facets, mirrored, with_side
from thce.coder.neighbors import flat_neighbors
from thce.codes.code_types import CodeType

_LOOKS_ALIKE = str.maketrans("0123456789", "8714506391")


@dataclass(frozen=True, slots=True)
class WrongCode:
    """A wrong answer.

    Attributes:
        code: it need not be billable, nor exist.
        description: the catalogue's; of a code that does not exist the right code's.
        error: one of `thce.coder.examples.ERRORS`.
    """

    code: str
    description: str
    error: str


class WrongCodes:
    """Draws wrong answers to the codes of a tree."""

    def __init__(self, tree: CodeTree) -> None:
        self.tree = tree
        self._ways: tuple[Callable[[int, Draw], WrongCode | None], ...] = (
            self._sibling,
            self._laterality,
            self._encounter,
            self._specificity,
            self._sibling,
            self._laterality,
            self._encounter,
            self._opposite,
            self._family,
            self._heading,
            self._invented,
        )

    def draw(self, row: int, draw: Draw) -> WrongCode:
        """A wrong answer to a billable row; the kind is drawn, then the answer."""
        first = draw.below(len(self._ways))
        for step in range(len(self._ways)):
            found = self._ways[(first + step) % len(self._ways)](row, draw)
            if found is not None:
                return found
        raise AssertionError("an invented code can always be given")

    def of_kind(self, row: int, error: str, draw: Draw) -> WrongCode | None:
        """A wrong answer of one kind, or None where the code has none."""
        for way in dict.fromkeys(self._ways):
            found = way(row, draw)
            if found is not None and found.error == error:
                return found
        return None

    def _known(self, row: int, error: str) -> WrongCode:
        return WrongCode(self.tree.codes[row], self.tree.descriptions[row], error)

    def _sibling(self, row: int, draw: Draw) -> WrongCode | None:
        """The same side and encounter, another branch one or two levels above them."""
        tree = self.tree
        if tree.code_type is not CodeType.ICD10:
            near = flat_neighbors(tree, row)[:3]
            return self._known(draw.one(near), "sibling") if near else None
        branches = self._branches(row)
        return self._known(draw.one(branches), "sibling") if branches else None

    def _branches(self, row: int) -> list[int]:
        """Billable codes that differ in one character that decides neither side nor encounter."""
        tree, code, mine = self.tree, self.tree.codes[row], facets(self.tree.descriptions[row])
        found: list[int] = []
        at = row
        while (above := tree.parents[at]) >= 0 and len(tree.codes[above]) <= 7 and not found:
            if tree.kind(above) in ("chapter", "block"):
                break
            rest = code[len(tree.codes[at]) :]
            for other in tree.children[above]:
                twin = tree.row_of.get(tree.codes[other] + rest, -1) if other != at else -1
                if twin >= 0 and tree.billable[twin] and not self._only_facets(mine, twin):
                    found.append(twin)
            at = above
        return found

    def _only_facets(self, mine: Facets, other: int) -> bool:
        """Whether another code differs in side or encounter only."""
        theirs = facets(self.tree.descriptions[other])
        if mine.encounter != theirs.encounter:
            return True
        return bool(mine.side) and mine.side != theirs.side

    def _laterality(self, row: int, draw: Draw) -> WrongCode | None:
        said = self.tree.descriptions[row]
        side = facets(said).side
        if not side:
            return None
        if side == "bilateral":
            twins = [with_side(said, draw.one(("right", "left")))]
        else:
            twins = [mirrored(said)]
            if draw.chance(35):
                twins.insert(0, with_side(said, "unspecified"))
        for twin in twins:
            found = self.tree.by_description.get(twin, row)
            if found != row:
                return self._known(found, "laterality")
        return None

    def _encounter(self, row: int, draw: Draw) -> WrongCode | None:
        if not facets(self.tree.descriptions[row]).encounter:
            return None
        others = [
            other
            for other in self.tree.children[self.tree.parents[row]]
            if other != row and self.tree.billable[other]
        ]
        return self._known(draw.one(others), "encounter") if others else None

    def _specificity(self, row: int, draw: Draw) -> WrongCode | None:
        """The unspecified code of the same family, for one that says more."""
        if self.tree.code_type is not CodeType.ICD10:
            return None
        if "unspecified" in self.tree.descriptions[row].lower():
            return None
        found = _nearest_general(self.tree, row)
        return self._known(found, "specificity") if found is not None else None

    def _opposite(self, row: int, draw: Draw) -> WrongCode | None:
        """With a complication that is not there, or without the one that is."""
        said = self.tree.descriptions[row].lower()
        if "without" in said:
            claimed = said.replace("without", "with", 1)
            missing = self.tree.by_description.get(claimed, -1)
            if missing < 0:
                missing = self.tree.by_description.get(said.replace("without", "with"), -1)
            return self._known(missing, "unsupported") if missing >= 0 else None
        if " with " in said:
            missing = self.tree.by_description.get(said.replace(" with ", " without ", 1), -1)
            return self._known(missing, "unsupported") if missing >= 0 else None
        return None

    def _family(self, row: int, draw: Draw) -> WrongCode | None:
        family = self.tree.families[self.tree.codes[row][:3]]
        for _ in range(3):
            other = draw.one(family)
            if other != row and self.tree.parents[other] != self.tree.parents[row]:
                return self._known(other, "family")
        return None

    def _heading(self, row: int, draw: Draw) -> WrongCode | None:
        """A code above it that no claim may carry."""
        above = self.tree.parents[row]
        if above < 0 or self.tree.kind(above) in ("chapter", "block"):
            return None
        higher = self.tree.parents[above]
        if draw.chance(30) and self.tree.kind(higher) not in ("chapter", "block"):
            above = higher
        return self._known(above, "invalid")

    def _invented(self, row: int, draw: Draw) -> WrongCode | None:
        """A code that does not exist: a slip of one character, one too many or too few.

        Only the form can tell that a code of an incomplete list does not exist: there one
        character is too few or too many.
        """
        code = self.tree.codes[row]
        if self.tree.code_type is not CodeType.ICD10:
            wrong = code[:-1] if draw.chance(50) else code + draw.one("0159")
            return WrongCode(wrong, self.tree.descriptions[row], "invalid")
        for _ in range(8):
            wrong = _slip(code, draw)
            if wrong != code and wrong not in self.tree.row_of:
                return WrongCode(wrong, self.tree.descriptions[row], "invalid")
        return WrongCode(f"{code[:3]}.99Z9", self.tree.descriptions[row], "invalid")


def _shared(one: str, other: str) -> int:
    """How many characters two codes have in common from the left."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _slip(code: str, draw: Draw) -> str:
    """An ICD-10-CM code after one slip of the finger or of thought."""
    way = draw.below(4)
    if way == 0 and len(code) < 8:
        return (code if "." in code else f"{code}.") + draw.one("0123456789")
    if way == 1 and len(code) == 3:
        return f"{code}.{draw.one('0123456789')}"
    if way == 2 and code[-1].isalpha() and len(code) == 8:
        return code[:-1] + draw.one("TUVWXYZ")
    place = 1 + draw.below(len(code) - 1)
    return code[:place] + code[place].translate(_LOOKS_ALIKE) + code[place + 1 :]


@cache
def _general(tree: CodeTree) -> dict[tuple[str, str], list[int]]:
    """First three and seventh characters -> billable rows that call themselves unspecified."""
    general: dict[tuple[str, str], list[int]] = {}
    for row in tree.billable_rows:
        if "unspecified" in tree.descriptions[row].lower():
            code = tree.codes[row]
            general.setdefault((code[:3], code[7:]), []).append(row)
    return general


@lru_cache(maxsize=200_000)
def _nearest_general(tree: CodeTree, row: int) -> int | None:
    """The unspecified code that shares most of a code's beginning, with the same encounter.

    Of equals the last one: the unspecified code is numbered last among its like.
    """
    code = tree.codes[row]
    rows = _general(tree).get((code[:3], code[7:]), ())
    return max(rows, key=lambda other: (_shared(code, tree.codes[other]), other), default=None)


@cache
def wrong_codes(tree: CodeTree) -> WrongCodes:
    """The wrong answers over a tree, made once a process."""
    return WrongCodes(tree)
