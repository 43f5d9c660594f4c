"""Scored rows: notes in, registry entries out. The plain core of scoring; Ray only spreads it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce.registry.abstention_file import Abstention
from thce.registry.fuse import SOURCE_NAMES, Fused, Signals
from thce.registry.hydrate_ray import prepare_and_hydrate
from thce.registry.hydrated import list_column
from thce.registry.labels import FLAG_NAMES
from thce.registry.onnx_session import Probabilities
from thce.registry.predict import Predictor

SCHEMA = pa.schema(
    [
        ("encounter_id", pa.string()),
        ("accept", pa.list_(pa.string())),
        ("probabilities", pa.list_(pa.float32())),
        ("source", pa.map_(pa.string(), pa.string())),
        ("needs_review", pa.bool_()),
    ]
)
AUTO_ACCEPT = pa.field("auto_accept", pa.list_(pa.string()))
"""The column that cutoffs of `thce registry abstain` add."""


def score_notes(
    predictor: Predictor,
    notes: pa.Table,
    band: float | None = None,
    abstention: Abstention | None = None,
) -> pa.Table:
    """Probabilities, the joint decision, who found it, what to look at; in this process.

    Args:
        predictor: an opened bundle.
        notes: the columns of the read step; they are prepared and hydrated here.
        band: how near its threshold a probability asks for review; None takes the bundle's.
        abstention: what may be accepted without a person. It adds the column `auto_accept`, and
            a note with an accepted flag that is not among them needs review.

    Returns:
        One row per note, in the order given, with the columns of SCHEMA.
    """
    hydrated = prepare_and_hydrate(notes)
    probabilities = predictor.predict(hydrated["text"].to_pylist())
    return join(predictor, hydrated, probabilities, band, abstention)


def join(
    predictor: Predictor,
    hydrated: pa.Table,
    probabilities: Probabilities,
    band: float | None = None,
    abstention: Abstention | None = None,
) -> pa.Table:
    """What `score_notes` makes of hydrated notes and their probabilities."""
    fusion = predictor.fusion
    if band is not None:
        fusion = fusion.model_copy(update={"band": band})
    signals = Signals.from_table(hydrated)
    fused = fusion.fuse(probabilities, predictor.thresholds, signals)
    if abstention is None:
        return _rows(hydrated["encounter_id"], probabilities, fused)
    certainty = fusion.certainty(probabilities, predictor.thresholds, signals)
    automatic = abstention.automatic(fused.accept, certainty)
    left = (fused.accept & ~automatic).any(axis=1)
    fused = replace(fused, needs_review=fused.needs_review | left)
    rows = _rows(hydrated["encounter_id"], probabilities, fused)
    return rows.append_column(AUTO_ACCEPT, _flag_lists(automatic))


def json_rows(scored: pa.Table) -> list[dict[str, Any]]:
    """Scored rows as JSON holds them; a float32 is written with the digits it has."""
    rows = scored.to_pylist()
    for row in rows:
        row["source"] = dict(row["source"])
        row["probabilities"] = [float(str(np.float32(value))) for value in row["probabilities"]]
    return rows


def _rows(encounter_ids: pa.ChunkedArray, probabilities: Probabilities, fused: Fused) -> pa.Table:
    accept = _flag_lists(fused.accept)
    sources = [SOURCE_NAMES[code] for code in fused.source[fused.accept].tolist()]
    columns = [
        encounter_ids,
        accept,
        list_column(probabilities, pa.float32()),
        pa.MapArray.from_arrays(accept.offsets, accept.values, pa.array(sources, pa.string())),
        pa.array(fused.needs_review),
    ]
    return pa.table(columns, schema=SCHEMA)


def _flag_lists(chosen: NDArray[np.bool_]) -> pa.ListArray:
    """The names of the chosen flags of each note, in label order."""
    row, column = np.nonzero(chosen)
    names = pa.array(FLAG_NAMES).take(pa.array(column))
    offsets = pa.array(np.searchsorted(row, np.arange(len(chosen) + 1)), pa.int32())
    return pa.ListArray.from_arrays(offsets, names)
