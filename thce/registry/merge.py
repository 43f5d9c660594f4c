"""Human answers as tier 0 above the hydrated cells, cell by cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from thce.errors import InputError
from thce.registry.hydrated import list_column, matrix
from thce.registry.labels import FLAG_NAMES, TRUE, UNKNOWN, Cells, Tier, validate_schema

HUMAN_CONFIDENCE = 1.0


@dataclass(frozen=True)
class Merged:
    """The hydrated table with the human cells in it, and what merging changed.

    Attributes:
        table: the hydrated table, its `label`, `tier` and `confidence` replaced.
        human_notes: notes with at least one human cell.
        human_cells: cells that a person set.
        overruled_cells: of these, cells that a lower tier had set to the opposite.
        unmatched: human rows without a note, by encounter id, sorted.
    """

    table: pa.Table
    human_notes: int
    human_cells: int
    overruled_cells: int
    unmatched: tuple[str, ...]


def merge_human(hydrated: pa.Table, human: pa.Table) -> Merged:
    """Lays human answers over the hydrated cells.

    A human cell replaces whatever tier stood there, with confidence 1.0; a null human cell
    leaves it as it was. A note that a person answered with no flag at all keeps its 29 human
    false cells: a true negative is a label.

    Args:
        hydrated: one row per note with `encounter_id`, `label`, `tier`, `confidence`.
        human: `encounter_id` and the 29 flag columns, int8 and nullable.

    Raises:
        InputError: a flag column is missing or out of order, or an encounter is answered twice.
    """
    ids, answers = _human_cells(human)
    label = matrix(hydrated, "label").astype(np.int8)
    tier = matrix(hydrated, "tier").astype(np.int8)
    confidence = matrix(hydrated, "confidence").astype(np.float32)
    row_of = {name: row for row, name in enumerate(hydrated["encounter_id"].to_pylist())}
    matched = [position for position, name in enumerate(ids) if name in row_of]
    above = np.full_like(label, UNKNOWN)
    above[[row_of[ids[position]] for position in matched]] = answers[matched]
    spoken = above != UNKNOWN
    overruled = spoken & (label != UNKNOWN) & (label != above)
    table = _replace(
        hydrated,
        np.where(spoken, above, label),
        np.where(spoken, np.int8(Tier.HUMAN), tier),
        np.where(spoken, np.float32(HUMAN_CONFIDENCE), confidence),
    )
    return Merged(
        table=table,
        human_notes=int(spoken.any(axis=1).sum()),
        human_cells=int(spoken.sum()),
        overruled_cells=int(overruled.sum()),
        unmatched=tuple(sorted(name for name in ids if name not in row_of)),
    )


def _human_cells(human: pa.Table) -> tuple[list[str], Cells]:
    try:
        validate_schema(human.column_names)
    except InputError as error:
        raise InputError(f"human labels: {error}") from None
    ids = human["encounter_id"].to_pylist()
    if len(set(ids)) != len(ids):
        raise InputError(
            f"human labels: {len(ids) - len(set(ids))} encounters are answered more than once; "
            "export from the annotation store, where the latest answer wins"
        )
    columns = [
        pc.fill_null(human[name].cast(pa.int8()), UNKNOWN).to_numpy().astype(np.int8)
        for name in FLAG_NAMES
    ]
    cells = np.stack(columns, axis=1)
    if ((cells < UNKNOWN) | (cells > TRUE)).any():
        raise InputError("human labels: a cell is 1, 0 or null")
    return ids, cells


def _replace(table: pa.Table, label: Cells, tier: Cells, confidence: Any) -> pa.Table:
    for name, values, cell_type in (
        ("label", label, pa.int8()),
        ("tier", tier, pa.int8()),
        ("confidence", confidence, pa.float32()),
    ):
        position = table.column_names.index(name)
        table = table.set_column(position, name, list_column(values, cell_type))
    return table
