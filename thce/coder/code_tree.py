"""A catalogue as Python lists, for what visits many codes: rows, tree, and codes by description."""

import re
from functools import cache, cached_property

from thce.codes.catalogue import Catalogue
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.codes.tables import KINDS

_RANGE = re.compile(r" \([A-Z0-9]{3}(-[A-Z0-9]{3})?\)$")


class CodeTree:
    """Codes by row, sorted by code.

    Attributes:
        code_type: of the catalogue.
        codes: canonical spelling.
        descriptions: as the catalogue words them; blocks and chapters without their range.
        parents: row of the nearest entry above, -1 where none.
        billable: by the catalogue's release.
        kinds: index into `thce.codes.catalogue.KINDS`.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        tables = catalogue.tables
        self.catalogue = catalogue
        self.code_type = catalogue.code_type
        self.codes = [code.decode() for code in tables.codes.tolist()]
        self.descriptions = [
            _RANGE.sub("", tables.descriptions[row]) for row in range(len(self.codes))
        ]
        self.parents: list[int] = tables.parents.tolist()
        self.billable: list[bool] = catalogue.current.tolist()
        self.kinds: list[int] = tables.kinds.tolist()
        self.row_of = {code: row for row, code in enumerate(self.codes)}

    @cached_property
    def children(self) -> list[list[int]]:
        """Rows directly below each row, retired ones left out."""
        below: list[list[int]] = [[] for _ in self.codes]
        retired = KINDS.index("retired")
        for row, parent in enumerate(self.parents):
            if parent >= 0 and self.kinds[row] != retired:
                below[parent].append(row)
        return below

    @cached_property
    def by_description(self) -> dict[str, int]:
        """Billable row of a description in lower case; of several, the first."""
        rows: dict[str, int] = {}
        for row in self.billable_rows:
            rows.setdefault(self.descriptions[row].lower(), row)
        return rows

    @cached_property
    def billable_rows(self) -> list[int]:
        """Billable rows in the order of their codes."""
        return [row for row, billable in enumerate(self.billable) if billable]

    @cached_property
    def families(self) -> dict[str, list[int]]:
        """First three characters -> billable rows, in the order of their codes."""
        families: dict[str, list[int]] = {}
        for row in self.billable_rows:
            families.setdefault(self.codes[row][:3], []).append(row)
        return families

    def path(self, row: int) -> list[int]:
        """The rows from the chapter down to this one."""
        rows = [row]
        while (row := self.parents[row]) >= 0:
            rows.append(row)
        return rows[::-1]

    def kind(self, row: int) -> str:
        """chapter, block, category, subcategory, code or retired."""
        return KINDS[self.kinds[row]]


def code_tree(code_type: CodeType) -> CodeTree:
    """The tree of a code type's catalogue, made once a process."""
    return _tree_of(load_catalogue(code_type))


@cache
def _tree_of(catalogue: Catalogue) -> CodeTree:
    return CodeTree(catalogue)
