"""The last round against the first on the frozen test: copies of a note add no certainty."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from hydrated_rows import hydrated_table

from thce.evaluation.systems import evaluate_systems
from thce.files import write_json, write_parquet
from thce.registry.hydrated import list_column
from thce.registry.labels import FLAG_NAMES, N_FLAGS, UNKNOWN, names_from_cells
from thce.registry.loop import LoopConfig
from thce.registry.loop_evaluate import compare_ends
from thce.registry.loop_folder import LoopFolder

COPIES = 5


def text(note: int, copy: int) -> str:
    """Thirty words of a note's own, and one more for each copy."""
    words = [f"word{note}x{number}" for number in range(30)]
    return " ".join([*words, f"copy{copy}"])


def scores(path: Path, ids: list[str], accept: np.ndarray) -> None:
    names = [names_from_cells(cells.astype(np.int8)) for cells in accept]
    probabilities = list_column(accept.astype(np.float32), pa.float32())
    table = {"encounter_id": ids, "accept": names, "probabilities": probabilities}
    write_parquet(path / "part-00000.parquet", pa.table(table))


def test_near_duplicates_are_resampled_together(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    notes = 12
    label = np.repeat((rng.random((notes, N_FLAGS)) < 0.3).astype(np.int8), COPIES, axis=0)
    weak = np.repeat(rng.random((notes, N_FLAGS)) < 0.7, COPIES, axis=0)
    first, last = (label == 1) & weak, label == 1
    ids = [f"n{note:02}-{copy}" for note in range(notes) for copy in range(COPIES)]
    texts = [text(note, copy) for note in range(notes) for copy in range(COPIES)]
    folder = LoopFolder(tmp_path)
    write_json(
        folder.round(0) / "dataset" / "splits.json", {"assignments": dict.fromkeys(ids, "test")}
    )
    unknown = np.full(label.shape, UNKNOWN, np.int8)
    hydrated = hydrated_table(ids, texts, unknown).append_column(
        "keyword_confidence", list_column(np.zeros(label.shape, np.float32), pa.float32())
    )
    write_parquet(folder.hydrated / "part-00000.parquet", hydrated)
    accept = [names_from_cells(cells) for cells in label]
    gold = {"encounter_id": ids, "accept": accept, "uncertain": [[] for _ in ids]}
    write_parquet(folder.notes, pa.table(gold))
    scores(folder.round(0) / "scores", ids, first)
    scores(folder.round(1) / "scores", ids, last)

    config = LoopConfig(notes=["notes.jsonl"], output=str(tmp_path))
    rounds = [SimpleNamespace(number=number) for number in (0, 1)]
    found = {one.metric: one for one in compare_ends(config, folder, rounds)}  # type: ignore[arg-type]

    systems = {"last round": last, "first model": first}
    groups = [name.partition("-")[0] for name in ids]
    together = evaluate_systems(label, systems, FLAG_NAMES, groups=groups).comparisons[0]
    apart = evaluate_systems(label, systems, FLAG_NAMES).comparisons[0]
    micro = found["micro_f1"].difference
    assert (micro.low, micro.high) == pytest.approx(
        (together.difference.low, together.difference.high)
    )
    assert micro.high - micro.low > 1.5 * (apart.difference.high - apart.difference.low)
    assert found["micro_f1"].p_value == together.p_value
