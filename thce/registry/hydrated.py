"""Reading what the hydrate step wrote: its Parquet, sorted, and its cells as arrays."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce import paths
from thce.bundles.storage import Remote
from thce.errors import InputError
from thce.registry.labels import N_FLAGS


def read(path: str, columns: Sequence[str]) -> pa.Table:
    """Reads hydrated notes from one Parquet file or a folder of them, local or fsspec.

    Args:
        path: the file or the folder.
        columns: the columns to read, `encounter_id` among them.

    Returns:
        One row per note, sorted by `encounter_id`: the order of shards does not show.

    Raises:
        InputError: there is no Parquet or no note there, a column is missing, or an encounter
            has two rows.
    """
    import pyarrow.dataset as datasets

    filesystem, files = _parquet_files(path)
    try:
        source = datasets.dataset(files, format="parquet", filesystem=filesystem)
        missing = [name for name in columns if name not in source.schema.names]
        if missing:
            raise InputError(
                f"{path}: columns missing: {', '.join(missing)}; give what the step before "
                "wrote (`thce registry hydrate`, or `score` for scores)"
            )
        table = source.to_table(columns=list(columns))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OSError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(f"{path}: not readable as Parquet: {reason}") from None
    if not len(table):
        raise InputError(f"{path}: no notes in it")
    _require_one_row_each(path, table["encounter_id"].to_pylist())
    return table.sort_by("encounter_id")


def matrix(table: pa.Table, column: str) -> NDArray[Any]:
    """A list column of 29 cells per note as an array (n, 29) of the column's own type.

    Raises:
        InputError: some row has not 29 cells, or a null one.
    """
    lists = table[column].combine_chunks()
    values = lists.flatten()
    widths = np.diff(lists.offsets.to_numpy())
    # A null cell would turn into a number: unknown is not false.
    if lists.null_count or values.null_count or not (widths == N_FLAGS).all():
        raise InputError(
            f"column {column}: every row holds {N_FLAGS} cells, none null; hydrate again"
        )
    return values.to_numpy().reshape(len(lists), N_FLAGS)


def list_column(values: NDArray[Any], cell_type: pa.DataType) -> pa.Array:
    """An array (n, 29) as a list column, the inverse of `matrix`."""
    offsets = pa.array(np.arange(0, values.size + 1, N_FLAGS), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(values.reshape(-1), cell_type))


def _parquet_files(path: str) -> tuple[Any, list[str]]:
    storage = Remote(paths.resolve(path))
    found = storage.filesystem.find(storage.root)
    files = sorted(name for name in found if name.endswith(".parquet") or name == storage.root)
    if not files:
        raise InputError(f"{path}: no Parquet file there; give what the step before wrote")
    return storage.filesystem, files


def _require_one_row_each(path: str, encounter_ids: list[str]) -> None:
    doubled = sorted(name for name, count in Counter(encounter_ids).items() if count > 1)
    if doubled:
        raise InputError(
            f"{path}: {len(doubled)} encounters have more than one row ({', '.join(doubled[:5])}); "
            "keep one row per encounter"
        )
