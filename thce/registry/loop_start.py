"""The start of a run: the notes read, prepared and hydrated once, and the gold set aside."""

from typing import TYPE_CHECKING

import pyarrow as pa

from thce.files import write_json, write_parquet
from thce.registry.gold import gold_cells
from thce.registry.loop_folder import LoopFolder
from thce.registry.note_inputs import read_inputs
from thce.registry.run_folder import claim
from thce.registry.splits import require_usable

if TYPE_CHECKING:
    from thce.registry.loop import LoopConfig


def start(config: "LoopConfig", folder: LoopFolder) -> None:
    """Fills the run's folder, unless an earlier call did.

    The prepared notes are kept as `notes.parquet` (de-identified, with the gold labels of the
    input where it has some); `hydrated/` holds what the rules say of them.

    Raises:
        InputError: too few notes, notes that are in two inputs, an oracle without gold labels,
            or a folder that another configuration began.
    """
    from thce.registry.hydrate_ray import HydrateConfig
    from thce.registry.hydrate_ray import run as hydrate

    # Only answers and rounds may change from call to call.
    claim(folder.config, config.model_copy(update={"answers": None, "rounds": 0}))
    if not folder.notes.is_file():
        write_parquet(folder.notes, _read(config, folder))
    if not folder.hydrated_done.is_file():
        report = hydrate(HydrateConfig(input=str(folder.notes), output=str(folder.hydrated)))
        write_json(folder.hydrated_done, report)


def _read(config: "LoopConfig", folder: LoopFolder) -> pa.Table:
    from thce.notes.prepare import prepare_table

    parts = read_inputs([*config.notes, *config.test_notes], folder.path, config.max_bad)
    tests = [
        name for part in parts[len(config.notes) :] for name in part["encounter_id"].to_pylist()
    ]
    if tests:
        write_json(folder.frozen, {"assignments": dict.fromkeys(tests, "test")})
    table, _ = prepare_table(pa.concat_tables(parts))
    require_usable(table["encounter_id"].to_pylist())
    if config.annotator == "oracle":
        gold_cells(table)
    return table
