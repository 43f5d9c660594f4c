"""The dataset step: merge human answers, split, check for leaks, write; and its one reader."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from thce import paths
from thce.annotations.labels_csv import read_labels
from thce.config import Config
from thce.registry import dataset_files
from thce.registry.dataset_report import describe
from thce.registry.hydrated import matrix, read
from thce.registry.labels import FLAG_NAMES, Cells
from thce.registry.leaks import SplitRows, find_leaks, require_no_leaks
from thce.registry.merge import Merged, merge_human
from thce.registry.splits import SPLITS, Fractions, assign, read_assignments

COLUMNS = ("encounter_id", "text", "label", "tier", "confidence")


class DatasetConfig(Config):
    """What a dataset is built from, and where it goes.

    Attributes:
        hydrated: Parquet file or folder that the hydrate step wrote.
        human: CSV of human labels (an annotation export), or none.
        output: the dataset folder, local or fsspec.
        fractions: share of notes in train, val and test.
        seed: breaks ties while splitting.
        near_duplicate_threshold: Jaccard similarity from which notes may not be parted.
        frozen: splits.json of an earlier dataset, whose assignments stay.
    """

    hydrated: str
    human: str | None = None
    output: str
    fractions: Fractions = Fractions()
    seed: int = 42
    near_duplicate_threshold: float = Field(default=0.8, gt=0, le=1)
    frozen: str | None = None


@dataclass(frozen=True)
class Split:
    """One split, as training and evaluation read it; rows sorted by encounter.

    Attributes:
        encounter_ids: one per note.
        texts: prepared texts.
        groups: the near-duplicate group of each note, named by its smallest encounter id.
        label: int8 (n, 29) of TRUE, FALSE, UNKNOWN.
        tier: int8 (n, 29), `Tier` of each cell, -1 where unknown.
        confidence: float32 (n, 29), 0 where unknown.
    """

    encounter_ids: list[str]
    texts: list[str]
    groups: list[str]
    label: Cells
    tier: Cells
    confidence: NDArray[np.float32]


def run(config: DatasetConfig) -> dict[str, Any]:
    """Builds the dataset: the same rows give the same bytes, whatever order they come in.

    Returns:
        The report: fingerprint, notes and support per split, labels by tier, warnings.

    Raises:
        InputError: an input is absent or malformed.
        Finding: the splits leak.
    """
    merged, human_encounters = _merge(read(config.hydrated, COLUMNS), config.human)
    encounter_ids = merged.table["encounter_id"].to_pylist()
    texts = merged.table["text"].to_pylist()
    label = matrix(merged.table, "label")
    groups = _near_duplicates(texts, config.near_duplicate_threshold)
    frozen = read_assignments(paths.resolve(config.frozen)) if config.frozen else {}
    assignments = assign(encounter_ids, label, groups, config.fractions, config.seed, frozen)
    names = group_names(encounter_ids, groups)
    table = dataset_files.dataset_table(merged.table, names)
    splits = np.array([assignments[name] for name in encounter_ids], dtype=np.str_)
    tables = {split: table.filter(pa.array(splits == split)) for split in SPLITS}
    require_no_leaks(find_leaks(_rows(tables), human_encounters, frozen))
    report = {
        "output": paths.resolve(config.output),
        "fingerprint": fingerprint_of(tables),
        **describe(merged, tables, assignments, names, frozen),
    }
    dataset_files.write_dataset(
        config.output,
        tables,
        _splits_content(config, report, assignments, dict(zip(encounter_ids, names, strict=True))),
        _manifest_content(config, report),
    )
    return report


def read_split(folder: str | Path, split: str) -> Split:
    """Reads "train", "val" or "test" of a dataset folder.

    Raises:
        InputError: it is absent, or a file is not the one that the dataset step wrote.
    """
    table = dataset_files.read_table(str(folder), split)
    label, tier, confidence = dataset_files.cells_of(table)
    return Split(
        encounter_ids=table["encounter_id"].to_pylist(),
        texts=table["note_text"].to_pylist(),
        groups=table["group"].to_pylist(),
        label=label,
        tier=tier,
        confidence=confidence,
    )


def read_fingerprint(folder: str | Path) -> str:
    """The fingerprint of a dataset folder, which a bundle records.

    Raises:
        InputError: there is no dataset in the folder.
    """
    return str(dataset_files.read_manifest(str(folder))["fingerprint"])


def group_names(encounter_ids: list[str], groups: NDArray[np.integer]) -> list[str]:
    """Each row's group named by its smallest encounter id, the same in any row order."""
    name: dict[int, str] = {}
    for encounter_id, group in zip(encounter_ids, groups.tolist(), strict=True):
        name[group] = min(encounter_id, name.get(group, encounter_id))
    return [name[group] for group in groups.tolist()]


def fingerprint_of(tables: dict[str, pa.Table]) -> str:
    """SHA-256 over what training would read: split, encounter, text and cells, sorted."""
    digest = sha256()
    for split in SPLITS:
        table = tables[split].sort_by("encounter_id")
        label, tier, confidence = dataset_files.cells_of(table)
        rows = zip(table["encounter_id"].to_pylist(), table["note_text"].to_pylist(), strict=True)
        for position, (encounter_id, text) in enumerate(rows):
            for part in (split, encounter_id, text):
                digest.update(sha256(part.encode()).digest())
            digest.update(label[position].tobytes() + tier[position].tobytes())
            digest.update(confidence[position].astype("<f4").tobytes())
    return digest.hexdigest()


def _merge(hydrated: pa.Table, human: str | None) -> tuple[Merged, set[str]]:
    if human is None:
        return Merged(
            hydrated, human_notes=0, human_cells=0, overruled_cells=0, unmatched=()
        ), set()
    answers = read_labels(paths.resolve(human))
    return merge_human(hydrated, answers), set(answers["encounter_id"].to_pylist())


def _rows(tables: dict[str, pa.Table]) -> SplitRows:
    """What is about to be written, as the leak check sees it."""

    def column(name: str) -> list[str]:
        return [value for split in SPLITS for value in tables[split][name].to_pylist()]

    return SplitRows(
        encounter_ids=column("encounter_id"),
        texts=column("note_text"),
        groups=column("group"),
        splits=[split for split in SPLITS for _ in range(len(tables[split]))],
    )


def _splits_content(
    config: DatasetConfig,
    report: dict[str, Any],
    assignments: dict[str, str],
    groups: dict[str, str],
) -> dict[str, Any]:
    return {
        "schema_version": dataset_files.SCHEMA_VERSION,
        "seed": config.seed,
        "fractions": config.fractions.model_dump(),
        "near_duplicate_threshold": config.near_duplicate_threshold,
        "fingerprint": report["fingerprint"],
        "assignments": assignments,
        "groups": groups,
    }


def _manifest_content(config: DatasetConfig, report: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema_version": dataset_files.SCHEMA_VERSION,
        "labels": list(FLAG_NAMES),
        "fingerprint": report["fingerprint"],
        "config": config.model_dump(mode="json"),
        "report": report,
    }


def _near_duplicates(texts: list[str], threshold: float) -> NDArray[np.integer]:
    from thce.notes.near_duplicates import groups

    return groups(texts, threshold)
