"""Train, validation and test by document, near-duplicates together; and k folds.

Two annotations of one text are two files and one document: MACCROBAT's releases of 2018 and 2020
are the same 200 case reports. Dealt file by file they put the text of nearly every test document
into training. Whatever the assignment, the leak check looks for that.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from thce.config import Config
from thce.errors import InputError
from thce.files import read_json
from thce.ner.documents import Document
from thce.registry.leaks import Leak, SplitRows, find_leaks
from thce.registry.splits import SPLITS, TEST, TRAIN, VAL

NEAR_DUPLICATE = 0.8
"""Jaccard similarity of word triples from which two texts count as one."""

FEWEST_DOCUMENTS = 3


class SplitConfig(Config):
    """How documents are dealt to the splits.

    Attributes:
        val: share of the documents for validation.
        test: share for test.
        folds: with k, test is one of k folds that together hold every document once.
        fold: which one, from 0.
        seed: of the deal.
        together: near_duplicates keeps them in one split; nothing deals file by file.
        file: JSON with `assignment` {document: split} to take instead.
        leaks: refuse fails on a leak; accept goes on, for a demonstration, and reports it.
    """

    val: float = Field(0.075, gt=0, lt=1)
    test: float = Field(0.075, gt=0, lt=1)
    folds: int | None = Field(None, ge=2)
    fold: int = Field(0, ge=0)
    seed: int = 42
    together: Literal["near_duplicates", "nothing"] = "near_duplicates"
    file: str | None = None
    leaks: Literal["refuse", "accept"] = "refuse"


def assign(documents: Sequence[Document], config: SplitConfig) -> dict[str, str]:
    """The split of each document.

    Raises:
        InputError: there are too few documents or groups, the fold does not exist, or the file
            does not name every document.
    """
    if len(documents) < FEWEST_DOCUMENTS:
        raise InputError(f"input: {len(documents)} documents; give at least {FEWEST_DOCUMENTS}")
    if config.file is not None:
        return _from_file(config.file, documents)
    groups = _groups(documents) if config.together == "near_duplicates" else range(len(documents))
    members: dict[int, list[str]] = {}
    for document, group in zip(documents, groups, strict=True):
        members.setdefault(int(group), []).append(document.id)
    # Ordered by name before they are shuffled: the order of the files does not matter.
    dealt = sorted(sorted(names) for names in members.values())
    rng = np.random.default_rng(config.seed)
    dealt = [dealt[place] for place in rng.permutation(len(dealt))]
    count = len(documents)
    if config.folds is None:
        test = _take(dealt, max(1, round(config.test * count)))
    else:
        test = _fold(dealt, config)
    rest = [names for names in dealt if names not in test]
    val = _take(rest, max(1, round(config.val * count)))
    train = [names for names in rest if names not in val]
    if not train:
        raise InputError("input: too few documents that differ to train, validate and test on")
    split_of = {TRAIN: train, VAL: val, TEST: test}
    return {name: split for split in SPLITS for names in split_of[split] for name in names}


def leaks_of(documents: Sequence[Document], assignment: Mapping[str, str]) -> list[Leak]:
    """Texts, or nearly the same texts, that two splits share."""
    kept = [document for document in documents if document.id in assignment]
    rows = SplitRows(
        encounter_ids=[document.id for document in kept],
        texts=[document.text for document in kept],
        groups=_groups(kept),
        splits=[assignment[document.id] for document in kept],
    )
    return find_leaks(rows)


def in_split(
    documents: Sequence[Document], assignment: Mapping[str, str], split: str
) -> list[Document]:
    """The documents of a split, in their order."""
    return [document for document in documents if assignment.get(document.id) == split]


def _groups(documents: Sequence[Document]) -> list[int]:
    from thce.notes.near_duplicates import groups

    return [int(group) for group in groups([one.text for one in documents], NEAR_DUPLICATE)]


def _take(groups: Sequence[list[str]], count: int) -> list[list[str]]:
    """Groups in order, those that fit, until there are so many documents."""
    taken: list[list[str]] = []
    for names in groups:
        held = sum(map(len, taken))
        if held + len(names) <= count or not taken:
            taken.append(names)
        if held >= count:
            break
    return taken


def _fold(groups: Sequence[list[str]], config: SplitConfig) -> list[list[str]]:
    folds = config.folds or 1
    if config.fold >= folds:
        raise InputError(f"split.fold: {config.fold} of {folds} folds; they are counted from 0")
    if len(groups) < folds + 1:
        raise InputError(f"split.folds: {folds} folds of {len(groups)} documents that differ")
    dealt: list[list[list[str]]] = [[] for _ in range(folds)]
    for names in sorted(groups, key=len, reverse=True):
        smallest = min(range(folds), key=lambda fold: sum(map(len, dealt[fold])))
        dealt[smallest].append(names)
    return dealt[config.fold]


def _from_file(file: str, documents: Sequence[Document]) -> dict[str, str]:
    content = read_json(Path(file))
    assignment = content.get("assignment") if isinstance(content, dict) else None
    if not isinstance(assignment, dict) or not set(assignment.values()) <= set(SPLITS):
        raise InputError(f"{file}: expected assignment, each document with {', '.join(SPLITS)}")
    absent = [document.id for document in documents if document.id not in assignment]
    if absent:
        raise InputError(f"{file}: assignment: {len(absent)} documents have no split ({absent[0]})")
    empty = [split for split in SPLITS if split not in assignment.values()]
    if empty:
        raise InputError(f"{file}: assignment: no document in {', '.join(empty)}")
    return {document.id: str(assignment[document.id]) for document in documents}
