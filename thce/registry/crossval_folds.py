"""The notes of a cross-validation, prepared and hydrated once, and who is tested in which fold."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thce.annotations.human_labels import table_of
from thce.annotations.labels_csv import write_labels
from thce.files import write_parquet
from thce.registry.dataset import group_names
from thce.registry.gold import gold_cells
from thce.registry.labels import Cells
from thce.registry.note_inputs import read_inputs
from thce.registry.splits import deal_folds, require_usable

if TYPE_CHECKING:
    from thce.registry.crossval import CrossvalConfig


@dataclass(frozen=True)
class Corpus:
    """Labelled notes, rows by encounter id, as the steps read them.

    Attributes:
        notes: the prepared notes, with `encounter_id`, `text` and what came with them.
        hydrated: the same notes as the hydrate step labels them, in the same order.
        hydrated_folder: where that lies for the steps to read.
        human: CSV of the gold labels, which stand for people's.
        label: (n, 29) gold cells.
        groups: near-duplicate group of each note, by its smallest encounter id.
        sources: position in the configuration's `notes` of each note's entry.
    """

    notes: pa.Table
    hydrated: pa.Table
    hydrated_folder: Path
    human: Path
    label: Cells
    groups: list[str]
    sources: NDArray[np.int64]

    @property
    def encounter_ids(self) -> list[str]:
        """One per note."""
        return list(self.notes["encounter_id"].to_pylist())


@dataclass(frozen=True)
class Fold:
    """One model to train and the rows of the corpus it is tested on.

    Attributes:
        name: of its folder.
        repeat: the repetition, from 0.
        test: rows.
        seed: of its train and validation split.
    """

    name: str
    repeat: int
    test: list[int]
    seed: int


def read_corpus(config: "CrossvalConfig", output: Path) -> Corpus:
    """Reads, prepares and hydrates the notes; what the steps need lies in the output.

    Raises:
        InputError: the notes are unusable, not labelled, too few, or stand in two inputs.
    """
    from thce.notes.near_duplicates import groups
    from thce.notes.prepare import prepare_table
    from thce.registry.hydrate import hydrate_table

    parts = read_inputs(config.notes, output, config.max_bad)
    sources = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    notes, _ = prepare_table(pa.concat_tables(parts))
    order = pc.sort_indices(notes["encounter_id"])
    notes = notes.take(order)
    encounter_ids = notes["encounter_id"].to_pylist()
    require_usable(encounter_ids)
    label = gold_cells(notes)
    hydrated = hydrate_table(notes)
    alike = groups(notes["text"].to_pylist(), config.near_duplicate_threshold)
    write_parquet(output / "hydrated" / "part-00000.parquet", hydrated)
    human = output / "human_labels.csv"
    write_labels(table_of(encounter_ids, list(label)), human)
    return Corpus(
        notes=notes,
        hydrated=hydrated,
        hydrated_folder=output / "hydrated",
        human=human,
        label=label,
        groups=group_names(encounter_ids, alike),
        sources=sources[order.to_numpy()],
    )


def deal(config: "CrossvalConfig", corpus: Corpus) -> list[Fold]:
    """The folds of all repetitions, or one per file."""
    if config.by == "file":
        return [
            Fold(
                name=f"{number}-{Path(entry).stem}",
                repeat=0,
                test=np.flatnonzero(corpus.sources == number).tolist(),
                seed=config.seed,
            )
            for number, entry in enumerate(config.notes)
        ]
    return [fold for repeat in range(config.repeats) for fold in _dealt(config, corpus, repeat)]


def _dealt(config: "CrossvalConfig", corpus: Corpus, repeat: int) -> list[Fold]:
    encounter_ids, seed = corpus.encounter_ids, config.seed + repeat
    _, groups = np.unique(corpus.groups, return_inverse=True)
    fold_of = deal_folds(encounter_ids, corpus.label, groups, config.folds, seed)
    rows_of: list[list[int]] = [[] for _ in range(config.folds)]
    for row, name in enumerate(encounter_ids):
        rows_of[fold_of[name]].append(row)
    return [
        Fold(f"{repeat}-{number}", repeat, rows, seed)
        for number, rows in enumerate(rows_of)
        if rows
    ]
