"""The gold labels that a labelled input carries: `accept` and `uncertain`."""

import numpy as np
import pyarrow as pa

from thce.errors import InputError
from thce.registry.labels import FALSE, N_FLAGS, UNKNOWN, Cells, cells_from_names, parse_flag


def gold_cells(table: pa.Table) -> Cells:
    """Cells of notes labelled in full: what is accepted is true, all else false.

    Args:
        table: rows with `encounter_id`, `accept` and `uncertain` as `thce.notes.read` gives them.

    Returns:
        int8 (n, 29); flags listed as uncertain are UNKNOWN, so that nothing scores them.

    Raises:
        InputError: a row has no `accept`, or names a flag that is not in the registry.
    """
    rows = zip(
        table["encounter_id"].to_pylist(),
        table["accept"].to_pylist(),
        table["uncertain"].to_pylist(),
        strict=True,
    )
    cells = np.empty((len(table), N_FLAGS), dtype=np.int8)
    for position, (encounter_id, accept, uncertain) in enumerate(rows):
        if accept is None:
            raise InputError(
                f"encounter {encounter_id}: no `accept`; labelled notes list their true flags "
                "there (an empty list when there is none)"
            )
        field = "accept"
        try:
            cells[position] = cells_from_names(accept, default=FALSE)
            field = "uncertain"
            for name in uncertain or ():
                cells[position, parse_flag(name, from_data=True).position] = UNKNOWN
        except InputError as error:
            raise InputError(f"encounter {encounter_id}: {field}: {error}") from None
    return cells
