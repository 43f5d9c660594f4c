"""ICD-10-CM as simple-icd-10-cm carries it: the April 2026 tabular, and codes of earlier releases.

Importing that package parses 10 MB of XML (two seconds and more), so only the step that builds
the catalogue's cache does it.
"""

from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from thce.codes.code_types import CodeType
from thce.codes.entries import Entry, Lifetime, Source
from thce.codes.shipped import shipped_rows, shipped_text

PACKAGE = "simple-icd-10-cm"
HISTORY = "icd10_history.csv"
RELEASES = (20210101, 20250401, 20260401)  # the tables that HISTORY compares
KINDS = {"chapter": "chapter", "section": "block", "category": "category"}
LISTS = {
    "inclusion_terms": "inclusion_term",
    "includes": "includes",
    "excludes1": "excludes1",
    "excludes2": "excludes2",
}
TEXTS = ("use_additional_code", "code_first", "code_also", "notes")


def icd10_identity() -> str:
    """What the cached catalogue depends on, found without importing the package."""
    return f"{PACKAGE} {version(PACKAGE)}\n{shipped_text(HISTORY)}"


def read_icd10() -> tuple[Source, list[Entry]]:
    """The whole of ICD-10-CM: chapters, blocks, codes, and codes retired since January 2021.

    Five blocks and 34 more of one category bear the name of their category (B20 within B20): the
    code is kept, under the block's chapter. Blocks without any code are dropped.
    """
    from simple_icd_10_cm import simple_icd_10_cm as tabular

    source = Source(
        CodeType.ICD10,
        "ICD-10-CM FY2026, April 1 2026 update",
        "2026-04-01",
        f"{PACKAGE} {version(PACKAGE)}",
        "public domain (CDC/NCHS); the package is MIT",
        complete=True,
        covers_until="2026-09-30",
    )
    entries = [entry for chapter in tabular._chapter_list for entry in _walk(chapter, parent="")]
    return source, _with_history(entries)


def _walk(node: Any, parent: str) -> Iterator[Entry]:
    """A node and all below it; `parent` is the nearest entry above that was kept."""
    grouping = node.type in ("chapter", "section")
    if grouping and not node.children:
        return
    own_category = any(child.name == node.name for child in node.children)
    if not own_category:
        yield Entry(
            node.name,
            " ".join(node.description.split()),
            KINDS.get(node.type, "subcategory") if node.children else "code",
            parent,
            reportable=not node.children,
            notes=_notes(node),
        )
    for child in node.children:
        yield from _walk(child, parent if own_category else node.name)


def _notes(node: Any) -> dict[str, list[str]]:
    notes = {ours: list(getattr(node, theirs)) for ours, theirs in LISTS.items()}
    notes |= {name: getattr(node, name).split("\n") for name in TEXTS if getattr(node, name)}
    return {name: texts for name, texts in notes.items() if texts}


def _with_history(entries: list[Entry]) -> list[Entry]:
    """Entries with lifetimes, and the retired codes of earlier releases added.

    The history compares billable codes, so that of headings it knows nothing.
    """
    history = {row["code"]: row for row in shipped_rows(HISTORY)}
    known = {entry.code for entry in entries}
    dated = [
        replace(entry, reportable=True, lifetime=_lifetime(history.get(entry.code)))
        if entry.reportable or entry.code in history
        else entry
        for entry in entries
    ]
    retired = [
        Entry(code, row["description"], "retired", _prefix(code, known), True, _lifetime(row))
        for code, row in history.items()
        if code not in known
    ]
    return dated + retired


def _lifetime(row: dict[str, str] | None) -> Lifetime:
    """A lifetime from the first and last of the compared releases that list a code."""
    if row is None:
        return Lifetime(active_from=RELEASES[0])
    first, last = int(row["seen_first"]), int(row["seen_last"])
    before = RELEASES[RELEASES.index(first) - 1] if first != RELEASES[0] else 0
    if last == RELEASES[-1]:
        return Lifetime(before, first)
    return Lifetime(before, first, last, RELEASES[RELEASES.index(last) + 1])


def _prefix(code: str, known: set[str]) -> str:
    """The longest beginning of a retired code that still exists."""
    for length in range(len(code) - 1, 2, -1):
        if code[:length] in known:
            return code[:length]
    return ""
