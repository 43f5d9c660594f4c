"""The dataset on disk: Parquet and CSV per split, splits.json, and dataset.json that vouches.

dataset.json is renamed into place last and holds the hash of every other file, so a folder that
was interrupted, edited or mixed is refused when it is read.
"""

import json
import os
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thce import paths
from thce.bundles.storage import Remote, read_bytes
from thce.errors import InputError
from thce.files import atomic_open, sha256_file
from thce.registry.hydrated import matrix
from thce.registry.labels import FLAG_NAMES, UNKNOWN, Cells, Tier
from thce.registry.splits import SPLITS

MANIFEST_FILE = "dataset.json"
SPLITS_FILE = "splits.json"
SCHEMA_VERSION = 1

_SOURCES = [Tier(position).name.lower() for position in range(len(Tier) - 1)]
_NO_SOURCE = Tier.NONE.name.lower()


def table_file(split: str, suffix: str = "parquet") -> str:
    """The name of a split's file."""
    return f"registry_{split}.{suffix}"


def dataset_table(merged: pa.Table, groups: list[str]) -> pa.Table:
    """The rows of a split: the columns of the dataset step from merged hydrated rows."""
    label, tier = matrix(merged, "label"), matrix(merged, "tier")
    flags = {
        name: pa.array(label[:, position], pa.int8(), mask=label[:, position] == UNKNOWN)
        for position, name in enumerate(FLAG_NAMES)
    }
    names = pa.array([*_SOURCES, _NO_SOURCE])
    sources = names.take(pa.array(tier.reshape(-1).astype(np.int64) % len(names)))
    return pa.table(
        {
            "encounter_id": merged["encounter_id"],
            "note_text": merged["text"],
            "group": pa.array(groups, pa.string()),
            **flags,
            "label_source": _as_lists(sources, len(label)),
            "label_confidence": merged["confidence"],
        }
    )


def cells_of(table: pa.Table) -> tuple[Cells, Cells, NDArray[np.float32]]:
    """Label, tier and confidence (n, 29) of dataset rows, the inverse of `dataset_table`."""
    label = np.stack(
        [pc.fill_null(table[name], UNKNOWN).to_numpy() for name in FLAG_NAMES], axis=1
    ).astype(np.int8)
    sources = table["label_source"].combine_chunks().flatten()
    tier = pc.fill_null(pc.index_in(sources, pa.array(_SOURCES)), int(Tier.NONE)).to_numpy()
    return (
        label,
        tier.astype(np.int8).reshape(label.shape),
        matrix(table, "label_confidence").astype(np.float32),
    )


def write_dataset(
    output: str, tables: dict[str, pa.Table], splits: dict[str, Any], manifest: dict[str, Any]
) -> None:
    """Writes the folder: nothing is replaced until everything has been written.

    Args:
        output: local folder or fsspec URL.
        tables: dataset rows per split.
        splits: the content of splits.json.
        manifest: the content of dataset.json, to which the files' hashes are added.

    Raises:
        InputError: the output cannot be written; what stood there before is untouched.
    """
    target = paths.resolve(output)
    try:
        if not paths.is_remote(target):
            _write_local(Path(target), tables, splits, manifest)
            return
        with TemporaryDirectory() as folder:
            _write_local(Path(folder), tables, splits, manifest)
            _upload(Path(folder), target)
    except OSError as error:
        reason = error.strerror or "cannot be written"
        raise InputError(f"output: {target}: {reason}; free space or give another") from None


def read_manifest(folder: str) -> dict[str, Any]:
    """dataset.json of a dataset folder.

    Raises:
        InputError: there is none, or it is not one that this version writes.
    """
    try:
        manifest = json.loads(_read_bytes(folder, MANIFEST_FILE))
    except ValueError:
        raise InputError(f"{folder}/{MANIFEST_FILE}: not valid JSON; build it again") from None
    if not isinstance(manifest, dict) or manifest.get("schema_version") != SCHEMA_VERSION:
        raise InputError(f"{folder}/{MANIFEST_FILE}: not a dataset of schema {SCHEMA_VERSION}")
    if manifest.get("labels") != list(FLAG_NAMES):
        raise InputError(f"{folder}/{MANIFEST_FILE}: its labels are not the registry's flags")
    return manifest


def require_unedited(folder: str) -> None:
    """Refuses a folder of which any file, read here or not, was changed after it was written.

    Labels are read from Parquet, so an edit of a CSV would otherwise go unseen.

    Raises:
        InputError: a file's bytes are not those that the dataset step wrote.
    """
    for name, recorded in read_manifest(folder)["files"].items():
        content = read_bytes(paths.resolve(folder), name)
        if content is not None:
            _require_hash(folder, name, content, recorded)


def read_table(folder: str, split: str) -> pa.Table:
    """The rows of one split, checked against the hash that dataset.json records.

    Raises:
        InputError: a file is absent, or its bytes are not those that the dataset step wrote.
    """
    import pyarrow.parquet as parquet

    name = table_file(split)
    recorded = read_manifest(folder)["files"].get(name)
    content = _read_bytes(folder, name)
    _require_hash(folder, name, content, recorded)
    return parquet.read_table(pa.BufferReader(content))


def _as_lists(values: pa.Array, rows: int) -> pa.Array:
    offsets = pa.array(np.arange(rows + 1) * len(FLAG_NAMES), pa.int32())
    return pa.ListArray.from_arrays(offsets, values)


def _csv_table(table: pa.Table) -> pa.Table:
    """The two list columns joined by `|`, as CSV holds no lists."""
    confidence = matrix(table, "label_confidence")
    distinct, positions = np.unique(confidence, return_inverse=True)
    written = pa.array([f"{value:.4g}" for value in distinct], pa.string())
    lists = {
        "label_source": table["label_source"].combine_chunks(),
        "label_confidence": _as_lists(written.take(pa.array(positions.ravel())), len(table)),
    }
    for name, column in lists.items():
        position = table.column_names.index(name)
        table = table.set_column(position, name, pc.binary_join(column, "|"))
    return table


def _write_local(
    folder: Path, tables: dict[str, pa.Table], splits: dict[str, Any], manifest: dict[str, Any]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    hashes: dict[str, str] = {}
    with ExitStack() as files:

        def open_file(name: str) -> IO[bytes]:
            return files.enter_context(atomic_open(folder / name, "wb"))

        # Entered first, renamed last: contexts close in reverse.
        vouching = open_file(MANIFEST_FILE)
        for split in SPLITS:
            for suffix, write in _WRITERS.items():
                handle = open_file(table_file(split, suffix))
                write(tables[split], handle)
                hashes[table_file(split, suffix)] = _flushed_hash(handle)
        handle = open_file(SPLITS_FILE)
        handle.write(_json_bytes(splits))
        hashes[SPLITS_FILE] = _flushed_hash(handle)
        vouching.write(_json_bytes({**manifest, "files": hashes}))
        # Whatever a full disk refuses, it refuses here, before the first rename.
        vouching.flush()
        os.fsync(vouching.fileno())


def _write_parquet(table: pa.Table, handle: IO[bytes]) -> None:
    import pyarrow.parquet as parquet

    parquet.write_table(table, handle)


def _write_csv(table: pa.Table, handle: IO[bytes]) -> None:
    from pyarrow import csv

    csv.write_csv(_csv_table(table), handle)


_WRITERS = {"parquet": _write_parquet, "csv": _write_csv}


def _flushed_hash(handle: IO[bytes]) -> str:
    handle.flush()
    os.fsync(handle.fileno())
    return sha256_file(handle.name)


def _json_bytes(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def _upload(folder: Path, target: str) -> None:
    storage = Remote(target)
    names = sorted(path.name for path in folder.iterdir() if path.name != MANIFEST_FILE)
    for name in [*names, MANIFEST_FILE]:
        storage.upload(folder / name, name)


def _require_hash(folder: str, name: str, content: bytes, recorded: str | None) -> None:
    if sha256(content).hexdigest() != recorded:
        raise InputError(
            f"{folder}/{name}: not what the dataset step wrote (its hash differs from "
            f"{MANIFEST_FILE}); run `thce registry dataset` again"
        )


def _read_bytes(folder: str, name: str) -> bytes:
    content = read_bytes(paths.resolve(folder), name)
    if content is None:
        raise InputError(f"{folder}/{name}: not there; run `thce registry dataset` first")
    return content
