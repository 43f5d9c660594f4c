"""Scoring without Ray: rows, resumable parts, and what of an input is still to be done."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bundle import flat_thresholds
from small_training import exported

from thce.errors import InputError
from thce.notes.chunks import find_chunks
from thce.notes.read import plan_read, plan_tables, read_notes, scan_chunk
from thce.registry.fuse import Fusion
from thce.registry.labels import FLAG_NAMES, INDEX, Flag
from thce.registry.predict import Predictor
from thce.registry.score_parts import ScoreParts
from thce.registry.score_plan import input_fingerprint, without_first
from thce.registry.scored import SCHEMA, json_rows, score_notes


@pytest.fixture(scope="module")
def predictor(registry_data: Path) -> Predictor:
    return Predictor.open(exported(registry_data).bundle)


@pytest.fixture(scope="module")
def notes(registry_data: Path) -> pa.Table:
    return read_notes(str(registry_data / "registry_notes_a.jsonl"), quarantine=None).slice(0, 24)


def test_every_note_is_scored_once_in_the_order_given(
    predictor: Predictor, notes: pa.Table
) -> None:
    scored = score_notes(predictor, notes)
    assert scored.schema == SCHEMA
    assert scored["encounter_id"].to_pylist() == notes["encounter_id"].to_pylist()
    for row in json_rows(scored):
        assert len(row["probabilities"]) == len(FLAG_NAMES)
        assert list(row["source"]) == row["accept"]
        assert row["accept"] == sorted(row["accept"], key=INDEX.__getitem__)
        assert set(row["source"].values()) <= {"model", "rule", "both"}
        for name, source in row["source"].items():
            above = (
                np.float32(row["probabilities"][INDEX[name]])
                >= predictor.thresholds.values[INDEX[name]]
            )
            assert above == (source != "rule")


def test_a_note_is_scored_the_same_in_any_batch(predictor: Predictor, notes: pa.Table) -> None:
    together = score_notes(predictor, notes)
    batches = [score_notes(predictor, notes.slice(start, 7)) for start in range(0, 24, 7)]
    assert pa.concat_tables(batches).equals(together)
    assert score_notes(predictor, notes.slice(0, 0)).schema == SCHEMA


def test_a_form_that_says_false_takes_a_flag_from_the_model(
    registry_data: Path, notes: pa.Table
) -> None:
    eager = Predictor.open(exported(registry_data).bundle)
    eager.thresholds = flat_thresholds(eager.weights, 0.0)
    eager.fusion = Fusion(policy="veto_union")
    row, name = next(
        (row, name)
        for row, sources in enumerate(json_rows(score_notes(eager, notes)))
        for name, source in sources["source"].items()
        if source == "model"
    )
    form = [None] * len(notes)
    form[row] = json.dumps({name: False})
    position = notes.schema.get_field_index("structured")
    vetoed = notes.set_column(position, "structured", pa.array(form, pa.string()))
    assert name not in score_notes(eager, vetoed)["accept"].to_pylist()[row]


def test_a_wider_band_asks_for_more_review(predictor: Predictor, notes: pa.Table) -> None:
    narrow, wider, widest = (
        np.array(score_notes(predictor, notes, band)["needs_review"].to_pylist())
        for band in (0.0, 0.1, 1.0)
    )
    assert not (narrow & ~wider).any()
    assert widest.all()


def test_json_rows_give_back_the_float32_they_came_from(
    predictor: Predictor, notes: pa.Table
) -> None:
    scored = score_notes(predictor, notes)
    read = [json.loads(json.dumps(row)) for row in json_rows(scored)]
    again = np.array([row["probabilities"] for row in read], dtype=np.float32)
    assert again.tobytes() == np.array(scored["probabilities"].to_pylist(), np.float32).tobytes()


def test_the_plain_core_needs_no_ray(registry_data: Path) -> None:
    bundle = exported(registry_data).bundle
    code = (
        "import sys\n"
        "from thce.notes.read import read_notes\n"
        "from thce.registry.predict import Predictor\n"
        "from thce.registry.score import score_notes\n"
        f"notes = read_notes({str(registry_data / 'unlabeled_a.jsonl')!r}, quarantine=None)\n"
        f"score_notes(Predictor.open({bundle!r}), notes.slice(0, 2))\n"
        "print(sorted({'ray', 'torch', 'transformers'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


MADE_WITH: dict[str, Any] = {"bundle": "a", "input": "b", "part_rows": 3}


def some_rows(ids: list[str]) -> pa.Table:
    n = len(ids)
    values: dict[str, Any] = {
        "encounter_id": ids,
        "accept": [[Flag.BAL.value]] * n,
        "probabilities": [[0.5] * len(FLAG_NAMES)] * n,
        "source": [[(Flag.BAL.value, "model")]] * n,
        "needs_review": [True] * n,
    }
    return pa.table(values, schema=SCHEMA)


def begin(folder: Path, made_with: dict[str, Any] = MADE_WITH, resume: bool = True) -> ScoreParts:
    parts = ScoreParts.open(str(folder), made_with, resume=resume, keeps_parts=True)
    parts.start()
    return parts


def test_parts_that_are_done_are_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    first = begin(folder)
    first.append(some_rows(["a", "b", "c"]))
    first.append(some_rows(["d", "e", "f"]))
    again = begin(folder)
    assert again.manifest.rows == 6
    assert again.manifest.needs_review == 6
    again.append(some_rows(["g"]))
    again.complete()
    table = parquet.read_table(folder)
    assert table["encounter_id"].to_pylist() == list("abcdefg")


def test_a_part_whose_commit_was_cut_off_is_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    parts = begin(folder)
    parts.append(some_rows(["a", "b", "c"]))
    (folder / "part-00001.parquet").write_bytes(b"half a part")
    again = begin(folder)
    assert again.manifest.rows == 3
    again.append(some_rows(["d"]))
    assert parquet.read_table(folder)["encounter_id"].to_pylist() == list("abcd")


@pytest.mark.parametrize("name", ["bundle", "input"])
def test_another_bundle_or_input_does_not_go_on_with_these_parts(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out"
    begin(folder).append(some_rows(["a"]))
    changed = MADE_WITH | {name: "changed"}
    with pytest.raises(InputError, match=f"begun with another {name}"):
        begin(folder, changed)
    assert begin(folder, changed, resume=False).manifest.rows == 0
    assert not (folder / "part-00000.parquet").exists()


def test_an_altered_part_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    begin(folder).append(some_rows(["a"]))
    (folder / "part-00000.parquet").write_bytes(b"")
    with pytest.raises(InputError, match=r"part-00000\.parquet: not as it was written"):
        begin(folder)


def test_a_damaged_run_manifest_is_named_and_never_taken_for_a_new_run(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    begin(folder).append(some_rows(["a"]))
    (folder / "_manifest.json").write_text("{")
    with pytest.raises(InputError, match=r"_manifest\.json: not readable"):
        begin(folder)


def test_a_run_that_was_killed_before_its_first_part_starts_again(tmp_path: Path) -> None:
    (tmp_path / "_quarantine.jsonl").touch()
    (tmp_path / "._manifest.json.4711.tmp").write_text("{")
    assert begin(tmp_path).manifest.rows == 0


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="holds something else"):
        begin(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_parts_lie_on_remote_storage_as_well(tmp_path: Path) -> None:
    folder = f"memory://{tmp_path.name}/out"
    parts = ScoreParts.open(folder, MADE_WITH, resume=True, keeps_parts=True)
    parts.start()
    parts.append(some_rows(["a", "b"]))
    again = ScoreParts.open(folder, MADE_WITH, resume=True, keeps_parts=True)
    assert again.manifest.rows == 2
    assert [table["encounter_id"].to_pylist() for table in again.tables()] == [["a", "b"]]


@pytest.fixture(scope="module")
def messy_input(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two files with bad rows and repeated notes among the good ones."""
    folder = tmp_path_factory.mktemp("messy")
    rows = [json.dumps({"id": f"n{i}", "text": f"note number {i}"}) for i in range(40)]
    rows[5] = "not json"
    rows[17] = rows[3]
    (folder / "a.jsonl").write_text("\n".join(rows[:25]) + "\n")
    (folder / "b.jsonl").write_text("\n".join(rows[25:]) + "\n")
    return str(folder)


@settings(max_examples=25)
@given(done=st.integers(0, 38), chunk_bytes=st.integers(50, 2000))
def test_what_is_left_is_the_input_without_what_is_done(
    messy_input: str, done: int, chunk_bytes: int
) -> None:
    kept = []

    def scan(chunks: Any) -> list[Any]:
        kept.extend(map(scan_chunk, chunks))
        return kept

    plan = plan_read(
        messy_input, quarantine=None, max_bad_percent=50, chunk_bytes=chunk_bytes, scan=scan
    )

    def ids(of: Any) -> list[str]:
        return [name for table in plan_tables(of) for name in table["encounter_id"].to_pylist()]

    assert len(ids(plan)) == 38
    assert ids(without_first(plan, kept, done)) == ids(plan)[done:]


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.jsonl").write_text('{"text": "one"}\n')
    here, there = (input_fingerprint(find_chunks(str(tmp_path / n))) for n in ("here", "there"))
    assert here == there
    (tmp_path / "there" / "notes.jsonl").write_text('{"text": "two"}\n')
    assert input_fingerprint(find_chunks(str(tmp_path / "there"))) != here
