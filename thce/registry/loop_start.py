"""The start of a run: the notes read, prepared and hydrated once, and the gold set aside."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from thce.config import dump
from thce.errors import InputError
from thce.files import atomic_open, write_json, write_text
from thce.registry.gold import gold_cells
from thce.registry.loop_folder import LoopFolder
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

    folder.path.mkdir(parents=True, exist_ok=True)
    _claim(config, folder)
    if not folder.notes.is_file():
        table = _read(config, folder)
        with atomic_open(folder.notes, "wb") as handle:
            pq.write_table(table, handle)
    if not folder.hydrated_done.is_file():
        report = hydrate(HydrateConfig(input=str(folder.notes), output=str(folder.hydrated)))
        write_json(folder.hydrated_done, report)


def _claim(config: "LoopConfig", folder: LoopFolder) -> None:
    """A folder belongs to one configuration; only `answers` and `rounds` may change."""
    mine = dump(config.model_copy(update={"answers": None, "rounds": 0}))
    if folder.config.is_file():
        if folder.config.read_text(encoding="utf-8") != mine:
            raise InputError(
                f"{folder.path}: another configuration began this run; give another output, "
                "or the configuration in its loop.yaml"
            )
        return
    write_text(folder.config, mine)


def _read(config: "LoopConfig", folder: LoopFolder) -> pa.Table:
    from thce.notes.prepare import prepare_table
    from thce.notes.read import read_notes

    parts = [
        read_notes(
            path,
            quarantine=str(folder.path / f"quarantine-{number}.jsonl"),
            max_bad_percent=config.max_bad,
        )
        for number, path in enumerate([*config.notes, *config.test_notes])
    ]
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
