"""Small hydrated tables and human label tables for the tests of dataset and sampling."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from thce.registry.hydrated import list_column
from thce.registry.labels import (
    FLAG_NAMES,
    N_FLAGS,
    TRUE,
    UNKNOWN,
    Cells,
    Flag,
    Tier,
    cells_from_names,
)


def hydrated_table(
    encounter_ids: Sequence[str],
    texts: Sequence[str] | None = None,
    label: Cells | None = None,
    cpt_codes: Sequence[Sequence[str]] | None = None,
    cpt: Cells | None = None,
) -> pa.Table:
    """What hydrate writes, every known cell from the keyword tier unless the codes say it."""
    n = len(encounter_ids)
    unknown = np.full((n, N_FLAGS), UNKNOWN, dtype=np.int8)
    label = unknown if label is None else label
    cpt = unknown if cpt is None else cpt
    merged = np.where(cpt != UNKNOWN, cpt, label)
    known = merged != UNKNOWN
    tier = np.where(known, np.where(cpt != UNKNOWN, Tier.CPT, Tier.KEYWORD), Tier.NONE)
    confidence = np.where(merged == TRUE, 0.6, 0.3) * known
    return pa.table(
        {
            "encounter_id": pa.array(encounter_ids, pa.string()),
            "text": pa.array(texts or [f"note {name}" for name in encounter_ids], pa.string()),
            "cpt_codes": pa.array(cpt_codes or [[] for _ in range(n)], pa.list_(pa.string())),
            "label": list_column(merged, pa.int8()),
            "tier": list_column(tier.astype(np.int8), pa.int8()),
            "confidence": list_column(confidence.astype(np.float32), pa.float32()),
            "structured_signal": list_column(unknown, pa.int8()),
            "cpt_signal": list_column(cpt, pa.int8()),
            "keyword_signal": list_column(label, pa.int8()),
            "disputed_codes": pa.array([[] for _ in range(n)], pa.list_(pa.string())),
            "procedure_note": pa.array([True] * n),
        }
    )


def human_table(answers: Mapping[str, Sequence[Flag]]) -> pa.Table:
    """Human labels: per encounter the flags that are true, all others false."""
    rows = [cells_from_names(true, default=0) for true in answers.values()]
    cells = np.array(rows, dtype=np.int8).reshape(-1, N_FLAGS)
    flags = {name: pa.array(cells[:, i], pa.int8()) for i, name in enumerate(FLAG_NAMES)}
    return pa.table({"encounter_id": pa.array(list(answers), pa.string()), **flags})


def write_parquet(table: pa.Table, folder: Path, shards: int = 1) -> Path:
    """Writes a table as shards of a folder, as hydrate does."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(table) // shards)
    for shard in range(shards):
        pq.write_table(table.slice(shard * size, size), folder / f"part-{shard:03}.parquet")
    return folder
