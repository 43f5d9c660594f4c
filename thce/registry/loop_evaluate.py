"""What the systems of a run's rounds reach on its frozen test."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce.annotations.store import AnnotationStore
from thce.evaluation.comparison import Comparison
from thce.evaluation.results import Evaluation, RoundResult
from thce.evaluation.systems import evaluate_systems
from thce.notes.near_duplicates import groups
from thce.registry.evaluate import evaluate_bundle
from thce.registry.fusion_fit import COLUMNS
from thce.registry.hydrated import matrix, read
from thce.registry.labels import FLAG_NAMES, INDEX, UNKNOWN, Cells
from thce.registry.loop_folder import LoopFolder
from thce.registry.predict import Predictor
from thce.registry.splits import read_assignments

if TYPE_CHECKING:
    from thce.registry.loop import LoopConfig


def evaluate_test(config: "LoopConfig", folder: LoopFolder, number: int) -> Evaluation | None:
    """The round's joint decisions on the frozen test notes, beside rules, model and last round.

    None where nobody has labelled a test note yet.
    """
    hydrated, label = _test_notes(config, folder)
    if not (label != UNKNOWN).any():
        return None
    scored = _scored(folder.round(number) / "scores", hydrated["encounter_id"].to_pylist())
    rivals = {}
    if number:
        before = folder.round(number - 1) / "scores"
        rivals["previous"] = _scored(before, hydrated["encounter_id"].to_pylist())[1]
    predictor = Predictor.open(folder.round(number) / "bundle")
    alike = groups(hydrated["text"].to_pylist())
    return evaluate_bundle(predictor, hydrated, scored[0], label, alike, config.seed, rivals)


def compare_ends(
    config: "LoopConfig", folder: LoopFolder, rounds: Sequence[RoundResult]
) -> tuple[Comparison, ...]:
    """The last round's joint decisions against the first one's, paired over the test notes.

    Near-duplicates are resampled together, as in each round's own evaluation.
    """
    hydrated, label = _test_notes(config, folder)
    ids = hydrated["encounter_id"].to_pylist()
    systems = {
        name: _scored(folder.round(one.number) / "scores", ids)[1]
        for name, one in (("last round", rounds[-1]), ("first model", rounds[0]))
    }
    alike = groups(hydrated["text"].to_pylist())
    found = evaluate_systems(label, systems, FLAG_NAMES, groups=alike, seed=config.seed)
    return found.comparisons


def _test_notes(config: "LoopConfig", folder: LoopFolder) -> tuple[pa.Table, Cells]:
    """The hydrated notes of the frozen test and their gold cells, by encounter."""
    assignments = read_assignments(str(folder.round(0) / "dataset" / "splits.json"))
    hydrated = read(str(folder.hydrated), [*COLUMNS, "text"])
    ids = hydrated["encounter_id"].to_pylist()
    hydrated = hydrated.filter(pa.array([assignments.get(name) == "test" for name in ids]))
    ids = hydrated["encounter_id"].to_pylist()
    if config.annotator == "oracle":
        gold = folder.gold()
        return hydrated, np.stack([gold[name] for name in ids])
    label = np.full((len(ids), len(FLAG_NAMES)), UNKNOWN, np.int8)
    if folder.store.is_file():
        with AnnotationStore.open(folder.store) as store:
            answered = store.human_labels().table
        row_of = {name: row for row, name in enumerate(ids)}
        for answer in answered.to_pylist():
            row = row_of.get(answer["encounter_id"])
            for flag in FLAG_NAMES if row is not None else ():
                if answer[flag] is not None:
                    label[row, INDEX[flag]] = answer[flag]
    return hydrated, label


def _scored(
    scores: Path, encounter_ids: list[str]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Probabilities and joint decisions (n, 29) of these notes."""
    columns = ["encounter_id", "accept", "probabilities"]
    table = read(str(scores), columns)
    position = {name: row for row, name in enumerate(table["encounter_id"].to_pylist())}
    table = table.take([position[name] for name in encounter_ids])
    accept = np.zeros((len(table), len(FLAG_NAMES)), dtype=bool)
    for row, names in enumerate(table["accept"].to_pylist()):
        accept[row, [INDEX[name] for name in names]] = True
    return matrix(table, "probabilities").astype(np.float32), accept
