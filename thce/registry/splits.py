"""Train, validation and test: by encounter and near-duplicate group, stratified by flag.

Groups are dealt out by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011, "On the
Stratification of Multi-Label Data"): the flag with the fewest undealt positives goes first, each
group to the split that lacks that flag most and is not full. Unknown cells count neither way.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from thce.config import Config
from thce.errors import InputError
from thce.files import read_json
from thce.registry.labels import TRUE, Cells
from thce.registry.seeded_order import seeded_keys

TRAIN, VAL, TEST = "train", "val", "test"
SPLITS = (TRAIN, VAL, TEST)
EXCLUDED = "excluded"
"""A note that no split may hold: it stands near-duplicate to frozen notes of two splits."""

FEWEST_NOTES = 20

_GUARDED_FIRST = (TEST, VAL, TRAIN)


class Fractions(Config):
    """The share of notes that each split is to hold."""

    train: float = Field(default=0.70, gt=0, lt=1)
    val: float = Field(default=0.15, gt=0, lt=1)
    test: float = Field(default=0.15, gt=0, lt=1)

    @model_validator(mode="after")
    def _sum_to_one(self) -> "Fractions":
        if abs(self.train + self.val + self.test - 1) > 1e-6:
            raise ValueError("train, val and test must sum to 1")
        return self


def require_usable(encounter_ids: Sequence[str]) -> None:
    """Checks that notes can be split at all.

    Raises:
        InputError: an encounter comes twice, or there are too few notes.
    """
    names, counts = np.unique(encounter_ids, return_counts=True)
    if (counts > 1).any():
        twice = ", ".join(names[counts > 1][:5])
        raise InputError(f"notes: {int((counts > 1).sum())} encounters come twice ({twice})")
    if len(encounter_ids) < FEWEST_NOTES:
        raise InputError(
            f"notes: {len(encounter_ids)} notes are too few to train, validate and test on; "
            f"give at least {FEWEST_NOTES}"
        )


def assign(
    encounter_ids: Sequence[str],
    labels: Cells,
    groups: NDArray[np.integer],
    fractions: Fractions | None = None,
    seed: int = 42,
    frozen: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Gives every encounter a split; rows of one encounter or one group stay together.

    What was assigned earlier stays: a note once in test is in test for good. A new note in a
    group with frozen members follows them. Where a group's frozen members stand in two splits
    (a new note bridges them), those in the better guarded split stay (test before val before
    train) and every other member, old or new, is `EXCLUDED`: it can neither train a model that
    the test note judges nor join a test that earlier models have seen.

    Args:
        encounter_ids: one per row.
        labels: int8 (n, 29), after merging; UNKNOWN cells are ignored.
        groups: (n,) near-duplicate group of each row.
        fractions: the share of each split, by default 70/15/15.
        seed: breaks ties; the result depends on it and on the rows, not on their order.
        frozen: earlier assignments; those of absent encounters are kept in the result.

    Returns:
        Encounter id -> "train", "val", "test" or "excluded".
    """
    kept = dict(frozen or {})
    units = _unite(encounter_ids, labels, groups)
    homes = [_home(unit, kept) for unit in units.members]
    given = fractions or Fractions()
    dealt = _stratify(units, homes, {split: getattr(given, split) for split in SPLITS}, seed)
    assignments = dict(kept)
    for members, home, split in zip(units.members, homes, dealt, strict=True):
        spanned = len({kept[name] for name in members if name in kept}) > 1
        newcomers = EXCLUDED if spanned else split
        for name in members:
            earlier = kept.get(name, newcomers)
            assignments[name] = EXCLUDED if spanned and earlier != home else earlier
    return assignments


def deal_folds(
    encounter_ids: Sequence[str],
    labels: Cells,
    groups: NDArray[np.integer],
    folds: int,
    seed: int = 42,
) -> dict[str, int]:
    """Gives every encounter one of equally large folds, stratified as the splits are.

    Args:
        encounter_ids: one per row.
        labels: int8 (n, 29); UNKNOWN cells are ignored.
        groups: (n,) near-duplicate group of each row; a group stays in one fold.
        folds: how many.
        seed: breaks ties; another seed gives another repetition.

    Returns:
        Encounter id -> 0 to folds - 1.
    """
    units = _unite(encounter_ids, labels, groups)
    shares = {str(fold): 1 / folds for fold in range(folds)}
    dealt = _stratify(units, [None] * len(units.members), shares, seed)
    return {
        name: int(fold)
        for members, fold in zip(units.members, dealt, strict=True)
        for name in members
    }


def read_assignments(path: str | Path) -> dict[str, str]:
    """The assignments of an earlier `splits.json`.

    Raises:
        InputError: the file is absent, not JSON, or not what the dataset step writes.
    """
    content = read_json(path)
    assignments = content.get("assignments") if isinstance(content, dict) else None
    if not isinstance(assignments, dict):
        raise InputError(f"{path}: no assignments in it; give the splits.json of a dataset")
    wrong = sorted({str(split) for split in assignments.values()} - {*SPLITS, EXCLUDED})
    if wrong:
        raise InputError(f"{path}: field assignments: unknown split {wrong[0]!r}")
    return assignments


@dataclass(frozen=True)
class _Units:
    """What is dealt out as one: the encounters of a near-duplicate group."""

    members: list[list[str]]
    sizes: NDArray[np.int64]
    positives: NDArray[np.int64]


def _unite(encounter_ids: Sequence[str], labels: Cells, groups: NDArray[np.integer]) -> _Units:
    """Joins rows that share a group or an encounter; units in order of their smallest id."""
    leader = _leaders(encounter_ids, groups)
    order = sorted(range(len(encounter_ids)), key=lambda row: encounter_ids[row])
    unit_of: dict[int, int] = {}
    rows: list[list[int]] = []
    for row in order:
        unit = unit_of.setdefault(leader[row], len(rows))
        if unit == len(rows):
            rows.append([])
        rows[unit].append(row)
    members = [list(dict.fromkeys(encounter_ids[row] for row in unit)) for unit in rows]
    true = labels == TRUE
    positives = [true[unit].sum(axis=0) for unit in rows]
    return _Units(
        members=members,
        sizes=np.array([len(names) for names in members], dtype=np.int64),
        positives=np.array(positives, dtype=np.int64).reshape(len(rows), labels.shape[1]),
    )


def _leaders(encounter_ids: Sequence[str], groups: NDArray[np.integer]) -> list[int]:
    """The first row of each row's connected component under same group or same encounter."""
    parent = list(range(len(encounter_ids)))

    def find(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    first_of_group: dict[int, int] = {}
    first_of_encounter: dict[str, int] = {}
    for row, (name, group) in enumerate(zip(encounter_ids, groups.tolist(), strict=True)):
        parent[find(row)] = find(first_of_group.setdefault(group, row))
        parent[find(row)] = find(first_of_encounter.setdefault(name, row))
    return [find(row) for row in range(len(parent))]


def _home(members: list[str], frozen: Mapping[str, str]) -> str | None:
    """The best guarded split that a unit's frozen members stand in; None where all are new."""
    present = {frozen[name] for name in members if name in frozen}
    if not present:
        return None
    return next((split for split in _GUARDED_FIRST if split in present), EXCLUDED)


def _spread_excess(room: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """What frozen notes hold beyond a split's share is taken from the others by their shares.

    Args:
        room: (splits, k), negative where a split holds more than its share.
        shares: (splits,).
    """
    excess = np.minimum(room, 0.0)
    weight = np.where(room > 0, shares[:, None], 0.0)
    total = weight.sum(axis=0)
    taken = excess.sum(axis=0) * np.divide(
        weight, total, out=np.zeros_like(weight), where=total > 0
    )
    spread: NDArray[np.float64] = room - excess + taken
    return spread


def _stratify(
    units: _Units, homes: Sequence[str | None], fractions: Mapping[str, float], seed: int
) -> list[str]:
    """The split of each unit; units with a home take room there and are not dealt."""
    names, shares = list(fractions), np.array(list(fractions.values()))
    room = shares * units.sizes.sum()
    wanted = np.outer(shares, units.positives.sum(axis=0))
    result = [home or "" for home in homes]
    undealt = np.array([home is None for home in homes], dtype=bool)
    for split, name in enumerate(names):
        settled = np.array([home == name for home in homes], dtype=bool)
        room[split] -= units.sizes[settled].sum()
        wanted[split] -= units.positives[settled].sum(axis=0)
    room, wanted = _spread_excess(room[:, None], shares)[:, 0], _spread_excess(wanted, shares)
    keys = seeded_keys([members[0] for members in units.members], seed)

    def deal(unit: int, lack: NDArray[np.float64]) -> None:
        # A full split takes no more while another has room, or sizes would drift.
        fits = room >= units.sizes[unit] / 2
        split = max(range(len(names)), key=lambda s: (fits[s], lack[s], room[s], -s))
        result[unit] = names[split]
        undealt[unit] = False
        room[split] -= units.sizes[unit]
        wanted[split] -= units.positives[unit]

    while undealt.any():
        having = (units.positives[undealt] > 0).sum(axis=0)
        if not having.any():
            break
        flag = int(np.where(having > 0, having, np.iinfo(np.int64).max).argmin())
        candidates = np.flatnonzero(undealt & (units.positives[:, flag] > 0))
        # Large groups first: they are the hardest to place.
        order = np.lexsort(
            (keys[candidates], -units.sizes[candidates], -units.positives[candidates, flag])
        )
        for unit in candidates[order].tolist():
            deal(unit, wanted[:, flag])
    rest = np.flatnonzero(undealt)
    for unit in rest[np.lexsort((keys[rest], -units.sizes[rest]))].tolist():
        deal(unit, room)
    return result
