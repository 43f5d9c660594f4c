"""What the dataset step says of the dataset it wrote: support, sources and warnings."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from thce.registry.dataset_files import cells_of
from thce.registry.labels import FALSE, FLAG_NAMES, TRUE, UNKNOWN, Cells, Tier
from thce.registry.merge import Merged
from thce.registry.splits import EXCLUDED, SPLITS


def describe(
    merged: Merged,
    tables: Mapping[str, pa.Table],
    assignments: Mapping[str, str],
    groups: list[str],
    frozen: Mapping[str, str],
) -> dict[str, Any]:
    """The report of a dataset, as plain values.

    Args:
        merged: the notes after merging, excluded ones among them.
        tables: dataset rows per split.
        assignments: encounter -> split, absent frozen encounters among them.
        groups: the near-duplicate group of each merged row.
        frozen: the earlier assignments that were kept.
    """
    present = set(merged.table["encounter_id"].to_pylist())
    excluded = sorted(name for name in present if assignments[name] == EXCLUDED)
    absent = sorted(set(frozen) - present)
    cells = {split: cells_of(table)[:2] for split, table in tables.items()}
    support = {split: _support(label) for split, (label, _) in cells.items()}
    sizes = Counter(groups)
    return {
        "notes": {split: len(tables[split]) for split in SPLITS},
        "support": support,
        "labels_by_tier": {split: _by_tier(*pair) for split, pair in cells.items()},
        "human": {
            "notes": merged.human_notes,
            "cells": merged.human_cells,
            "overruled_cells": merged.overruled_cells,
            "without_a_note": _counted(merged.unmatched),
        },
        "groups": {
            "count": len(sizes),
            "of_several_notes": sum(size > 1 for size in sizes.values()),
            "largest": max(sizes.values(), default=0),
        },
        "excluded": _counted(excluded),
        "frozen_without_a_note": _counted(absent),
        "warnings": _warnings(merged, support, excluded, tables),
    }


def _support(label: Cells) -> dict[str, dict[str, int]]:
    counts = {
        name: (label == value).sum(axis=0)
        for name, value in (("true", TRUE), ("false", FALSE), ("unknown", UNKNOWN))
    }
    return {
        flag: {name: int(count[position]) for name, count in counts.items()}
        for position, flag in enumerate(FLAG_NAMES)
    }


def _by_tier(label: Cells, tier: Cells) -> dict[str, dict[str, int]]:
    return {
        source.name.lower(): {
            "true": int(((tier == source) & (label == TRUE)).sum()),
            "false": int(((tier == source) & (label == FALSE)).sum()),
        }
        for source in Tier
        if source != Tier.NONE
    }


def _warnings(
    merged: Merged,
    support: Mapping[str, dict[str, dict[str, int]]],
    excluded: list[str],
    tables: Mapping[str, pa.Table],
) -> list[str]:
    warnings = [
        f"the {split} split is empty: there are too few near-duplicate groups to share out"
        for split in SPLITS
        if not len(tables[split])
    ]
    for split in SPLITS:
        without = [flag for flag, counts in support[split].items() if not counts["true"]]
        if without and len(tables[split]):
            warnings.append(
                f"{split} has no positive for {len(without)} flags: {', '.join(without)}"
            )
    if merged.unmatched:
        warnings.append(f"{len(merged.unmatched)} human rows have no note and were not used")
    if excluded:
        warnings.append(
            f"{len(excluded)} notes are near-duplicates of frozen notes in two splits and were "
            "left out"
        )
    return warnings


def _counted(names: list[str] | tuple[str, ...]) -> dict[str, Any]:
    return {"count": len(names), "encounter_ids": list(names)}
