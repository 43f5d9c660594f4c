import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hydrated_rows import hydrated_table, write_parquet
from small_bundle import flat_thresholds, small_bundle, spec, stage

from thce.annotations.answers import Verdict
from thce.annotations.store import AnnotationStore
from thce.bundles.build import build
from thce.config import load
from thce.errors import InputError
from thce.files import read_json, read_jsonl, write_json, write_jsonl
from thce.registry.hydrated import list_column
from thce.registry.labels import (
    FALSE,
    FLAG_NAMES,
    N_FLAGS,
    TRUE,
    UNKNOWN,
    Flag,
    cells_from_names,
    prodigy_options,
)
from thce.registry.sample import SampleConfig, run
from thce.registry.score_parts import ScoreParts

N = 30


def pool(folder, n=N, shards=2, order=None):
    """Distinct notes; e000 is billed for a lavage, e001 has no codes."""
    draw = np.random.default_rng(0)
    ids = [f"e{row:03}" for row in range(n)]
    texts = [" ".join(f"word{draw.integers(1e9)}" for _ in range(12)) for _ in ids]
    label = np.full((n, N_FLAGS), FALSE, dtype=np.int8)
    cpt = np.full((n, N_FLAGS), UNKNOWN, dtype=np.int8)
    cpt[0] = cells_from_names([Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.BAL])
    codes = [["31624"], *([[]] * (n - 1))]
    table = hydrated_table(ids, texts, label, cpt_codes=codes, cpt=cpt)
    write_parquet(table if order is None else table.take(order), folder / "hydrated", shards)
    return ids


def scores(folder, ids, probabilities, bundle, name="scores", weights="int8", complete=True):
    """What the score step leaves: parts and a manifest."""
    table = pa.table(
        {
            "encounter_id": pa.array(ids),
            "probabilities": list_column(probabilities.astype(np.float32), pa.float32()),
            "needs_review": pa.array([False] * len(ids)),
        }
    )
    made_with = {"bundle": bundle.version, "weights": weights}
    parts = ScoreParts.open(str(folder / name), made_with, resume=True, keeps_parts=True)
    parts.start()
    parts.append(table)
    if complete:
        parts.complete()
    return str(folder / name)


@pytest.fixture
def inputs(tmp_path):
    """A pool, and a model that sees a biopsy in e000 and in e007 and is sure of the rest."""
    ids = pool(tmp_path)
    bundle = small_bundle(tmp_path / "bundle")
    probabilities = np.full((N, N_FLAGS), 0.01)
    probabilities[0, Flag.ENDOBRONCHIAL_BIOPSY.position] = 0.91237
    probabilities[7, [Flag.ENDOBRONCHIAL_BIOPSY.position, Flag.BRUSHINGS.position]] = 0.8
    probabilities[9, Flag.IPC.position] = 0.49
    scores(tmp_path, ids, probabilities, bundle)
    return tmp_path


def config(folder, scored=True, **changes):
    values = {
        "notes": str(folder / "hydrated"),
        "store": str(folder / "annotations.sqlite"),
        "output": str(folder / "batch.jsonl"),
        "limit": 10,
    }
    if scored:
        values |= {"scores": str(folder / "scores"), "model": str(folder / "bundle")}
    return SampleConfig(**(values | changes))


def by_encounter(path):
    return {row["meta"]["encounter_id"]: row for row in read_jsonl(path)}


def test_batch_is_in_prodigys_choice_format_with_union_prefill_and_both_opinions(inputs):
    report = run(config(inputs))
    json.dumps(report)
    tasks = by_encounter(report["output"])
    assert len(tasks) == report["tasks"] == 10
    task = tasks["e000"]
    assert task["options"] == prodigy_options()
    assert task["config"] == {"choice_style": "multiple"}
    assert task["text"].startswith("word")
    assert task["accept"] == [
        Flag.DIAGNOSTIC_BRONCHOSCOPY,
        Flag.BAL,
        Flag.ENDOBRONCHIAL_BIOPSY,
    ]
    meta = task["meta"]
    assert meta["ml_accept"] == meta["ml_only"] == [Flag.ENDOBRONCHIAL_BIOPSY]
    assert meta["cpt_accept"] == meta["cpt_only"] == [Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.BAL]
    assert meta["rule_accept"] == [Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.BAL]
    assert meta["disagreement_score"] == 3
    assert meta["counted_disagreement_score"] == 3
    assert meta["strategy"] == "disagreement"
    assert meta["cpt_codes"] == ["31624"]
    assert meta["probabilities"][Flag.ENDOBRONCHIAL_BIOPSY] == 0.9124
    assert set(meta["probabilities"]) == set(FLAG_NAMES)
    assert meta["model_version"] == report["model_version"]


def test_disputed_notes_come_first_and_the_rate_says_how_many(inputs):
    report = run(config(inputs))
    first = [row["meta"]["encounter_id"] for row in read_jsonl(report["output"])][:2]
    assert first == ["e000", "e007"]
    assert report["disagreement_rate"]["notes"] == pytest.approx(2 / N)
    assert report["disagreement_rate"]["flags"][Flag.BRUSHINGS] == pytest.approx(1 / N)


def test_flag_on_which_the_model_abstains_is_never_counted(inputs, tmp_path):
    staged = stage(tmp_path / "dormant")
    for name in ("fp32", "int8"):
        file = "thresholds.json" if name == "fp32" else "thresholds.int8.json"
        flat_thresholds(name, dormant=(Flag.BRUSHINGS,)).save(staged / file)
    bundle = build(staged, spec())
    probabilities = np.full((N, N_FLAGS), 0.01)
    probabilities[7, Flag.BRUSHINGS.position] = 0.99
    ids = [f"e{row:03}" for row in range(N)]
    given = scores(tmp_path, ids, probabilities, bundle, name="scores2")
    report = run(config(inputs, scores=given, model=str(staged), limit=N))
    task = by_encounter(report["output"])["e007"]
    assert report["disagreement_rate"]["flags"][Flag.BRUSHINGS] is None
    assert task["meta"]["counted_disagreement_score"] == 0
    assert task["accept"] == task["meta"]["ml_accept"] == []


def test_uncertain_note_is_found(inputs):
    report = run(config(inputs, strategy="uncertainty", limit=1))
    assert [*by_encounter(report["output"])] == ["e009"]


def test_without_a_model_the_batch_says_so(inputs):
    report = run(config(inputs, scored=False))
    assert (report["strategy_asked"], report["strategy"]) == ("disagreement", "rare_boost")
    assert report["model_version"] is None
    assert report["disagreement_rate"]["notes"] is None
    tasks = by_encounter(report["output"])
    meta = tasks["e000"]["meta"]
    assert meta["strategy"] == "rare_boost"
    assert meta["model_version"] is None
    assert meta["ml_accept"] == meta["ml_only"] == []
    assert meta["probabilities"] == {}
    assert tasks["e000"]["accept"] == [Flag.DIAGNOSTIC_BRONCHOSCOPY, Flag.BAL]


def answer(store, task, verdict=Verdict.ACCEPT):
    store.answer(task.task_id, "ann", [], verdict)


def test_answered_leased_held_and_deleted_notes_are_never_sampled(inputs):
    first = run(config(inputs, output=None, limit=8, strategy="random"))
    with AnnotationStore.open(first["store"]) as store:
        tasks = store.tasks(first["batch"])
        answer(store, tasks[0])
        answer(store, tasks[1], Verdict.REJECT)
        answer(store, tasks[2], Verdict.IGNORE)
        leased = {task.encounter_id for task in store.lease("ann", 2, 60.0)}
        store.delete_note(tasks[7].encounter_id)
    held = run(config(inputs, limit=5, strategy="random", seed=1))
    gone = {task.encounter_id for task in tasks[:3]} | leased | {tasks[7].encounter_id}
    held_ids = {*by_encounter(held["output"])}
    assert not held_ids & gone
    again = run(config(inputs, limit=N, strategy="random", output=str(inputs / "rest.jsonl")))
    assert {*by_encounter(again["output"])} == {f"e{row:03}" for row in range(N)} - gone - held_ids
    assert again["left_out"] == {"answered": 3, "deleted": 1, "held": 5, "leased": 2}


def test_prepared_notes_come_back_when_nobody_opened_the_batch(inputs):
    first = run(config(inputs, output=None, limit=N))
    second = run(config(inputs, limit=N))
    assert second["pool"] == N
    assert len(by_encounter(second["output"])) == N
    with AnnotationStore.open(first["store"]) as store:
        assert store.progress()["notes"]["prepared"] == N


def test_lease_that_ran_out_makes_the_note_askable_again(inputs):
    first = run(config(inputs, output=None, limit=5))
    with AnnotationStore.open(first["store"]) as store:
        assert len(store.lease("ann", 5, -1.0)) == 5
    assert run(config(inputs, limit=N))["pool"] == N


def test_repeated_run_ends_in_the_same_batch(inputs):
    first = run(config(inputs, output=None))
    second = run(config(inputs))
    assert second["batch"] == first["batch"]
    assert (first["new_tasks"], second["new_tasks"]) == (10, 0)
    third = run(config(inputs))
    assert third["batch"] != first["batch"], "the first is held now"


def test_named_batch_that_exists_is_handed_out_again_as_it_is(inputs):
    first = run(config(inputs, batch="tuesday"))
    content = (inputs / "batch.jsonl").read_bytes()
    (inputs / "batch.jsonl").unlink()
    second = run(config(inputs, batch="tuesday", strategy="random", limit=3))
    assert (inputs / "batch.jsonl").read_bytes() == content
    assert (second["batch"], second["tasks"], second["new_tasks"]) == ("tuesday", 10, 0)
    with AnnotationStore.open(first["store"]) as store:
        store.withdraw("tuesday")
    assert run(config(inputs, batch="tuesday", limit=3))["tasks"] == 3


def test_blind_tasks_show_nothing_and_the_store_keeps_everything(inputs):
    report = run(config(inputs, limit=N, blind_fraction=0.4))
    rows = read_jsonl(report["output"])
    blind = [row for row in rows if "strategy" not in row["meta"]]
    assert len(blind) == report["blind"] == 12
    for row in blind:
        assert row["accept"] == []
        assert set(row["meta"]) == {"encounter_id", "batch"}
    with AnnotationStore.open(report["store"]) as store:
        tasks = {task.encounter_id: task for task in store.tasks(report["batch"])}
    assert {name for name, task in tasks.items() if task.blind} == {
        row["meta"]["encounter_id"] for row in blind
    }
    assert all(task.meta["strategy"] == "disagreement" for task in tasks.values())
    assert tasks["e000"].prefill
    positions = [rows.index(row) for row in blind]
    assert 6 < np.mean(positions) < 23, "blind tasks are spread over the batch"


def test_same_seed_same_batch_whatever_the_shards(inputs, tmp_path):
    first = run(config(inputs, strategy="hybrid", output=None))
    pool(tmp_path / "again", shards=7, order=np.random.default_rng(5).permutation(N))
    changes = {"notes": str(tmp_path / "again" / "hydrated"), "output": None}
    elsewhere = config(inputs, strategy="hybrid", store=str(tmp_path / "other.sqlite"), **changes)
    assert run(elsewhere)["batch"] == first["batch"]
    changed = elsewhere.model_copy(update={"seed": 7, "store": str(tmp_path / "third.sqlite")})
    assert run(changed)["batch"] != first["batch"]


def test_near_duplicates_are_not_asked_twice_in_a_batch(inputs, tmp_path):
    draw = np.random.default_rng(1)
    texts = [" ".join(f"word{draw.integers(1e9)}" for _ in range(30)) for _ in range(10)]
    ids = [f"d{row:02}" for row in range(20)]
    write_parquet(hydrated_table(ids, [*texts, *texts]), tmp_path / "twins")
    report = run(config(inputs, scored=False, notes=str(tmp_path / "twins"), limit=10))
    assert len({task["text"] for task in read_jsonl(report["output"])}) == 10


def test_only_notes_of_the_split_and_new_ones_are_asked(inputs):
    splits = {f"e{row:03}": ["train", "val", "test"][row % 3] for row in range(27)}
    write_json(inputs / "splits.json", {"assignments": splits})
    report = run(config(inputs, limit=N, splits=str(inputs / "splits.json")))
    asked = {*by_encounter(report["output"])}
    assert asked == {name for name, split in splits.items() if split == "train"} | {
        "e027",
        "e028",
        "e029",
    }
    assert report["left_out"] == {"in test": 9, "in val": 9}


def test_rare_boost_learns_from_what_people_have_answered(inputs, tmp_path):
    label = np.full((4, N_FLAGS), FALSE, dtype=np.int8)
    label[[0, 1], Flag.BAL.position] = TRUE
    label[[2, 3], Flag.IPC.position] = TRUE
    texts = [f"note about number {row} and nothing else {row * 7}" for row in range(4)]
    write_parquet(hydrated_table(["a", "b", "c", "d"], texts, label), tmp_path / "four")
    settings = config(
        inputs, scored=False, notes=str(tmp_path / "four"), strategy="rare_boost", limit=1
    )
    first = run(settings.model_copy(update={"output": None}))
    with AnnotationStore.open(first["store"]) as store:
        (task,) = store.tasks(first["batch"])
        held = Flag.BAL if task.encounter_id in "ab" else Flag.IPC
        store.answer(task.task_id, "ann", [held])
    (asked,) = by_encounter(run(settings)["output"])
    assert (asked in "ab") == (held is Flag.IPC)


def test_json_lines_of_scores_are_read(inputs):
    parts = inputs / "scores"
    rows = pq.read_table(parts / "part-00000.parquet").to_pylist()
    write_jsonl(inputs / "scores.jsonl", rows)
    (inputs / "scores.jsonl.run").mkdir()
    write_json(inputs / "scores.jsonl.run" / "_manifest.json", read_json(parts / "_manifest.json"))
    report = run(config(inputs, scores=str(inputs / "scores.jsonl")))
    assert report["disagreement_rate"]["notes"] == pytest.approx(2 / N)
    write_jsonl(inputs / "scores.jsonl", [row | {"probabilities": [0.5]} for row in rows])
    with pytest.raises(InputError, match="29 probabilities"):
        run(config(inputs, scores=str(inputs / "scores.jsonl")))


def test_scores_of_another_bundle_are_refused(inputs):
    small_bundle(inputs / "other", seed=3)
    with pytest.raises(InputError, match="made by bundle"):
        run(config(inputs, model=str(inputs / "other")))


def test_thresholds_are_those_of_the_weights_that_scored(inputs, tmp_path):
    staged = stage(tmp_path / "two")
    flat_thresholds("int8", 0.95).save(staged / "thresholds.int8.json")
    bundle = build(staged, spec())
    probabilities = np.full((N, N_FLAGS), 0.01)
    probabilities[3, Flag.IPC.position] = 0.7
    ids = [f"e{row:03}" for row in range(N)]
    found = {}
    for weights in ("fp32", "int8"):
        given = scores(tmp_path, ids, probabilities, bundle, name=f"by-{weights}", weights=weights)
        settings = config(inputs, scores=given, model=str(staged), output=None)
        report = run(settings.model_copy(update={"store": str(tmp_path / f"{weights}.sqlite")}))
        found[weights] = report["disagreement_rate"]["flags"][Flag.IPC]
    assert found == {"fp32": pytest.approx(1 / N), "int8": 0}


def test_unfinished_absent_or_damaged_scores_are_refused(inputs, tmp_path):
    bundle = small_bundle(tmp_path / "again")
    ids = [f"e{row:03}" for row in range(N)]
    half = scores(tmp_path, ids, np.zeros((N, N_FLAGS)), bundle, name="half", complete=False)
    with pytest.raises(InputError, match="unfinished"):
        run(config(inputs, scores=half))
    with pytest.raises(InputError, match="not there"):
        run(config(inputs, scores=str(inputs / "nowhere")))
    (inputs / "scores" / "_manifest.json").write_text("{")
    with pytest.raises(InputError, match="damaged"):
        run(config(inputs))


def test_unscored_notes_are_left_out_and_counted(inputs, tmp_path):
    bundle = small_bundle(tmp_path / "again")
    ids = [f"e{row:03}" for row in range(20)]
    some = scores(tmp_path, ids, np.zeros((20, N_FLAGS)), bundle, name="some")
    report = run(config(inputs, scores=some, limit=N))
    assert report["left_out"] == {"unscored": 10}
    assert report["tasks"] == 20


def test_nothing_left_to_ask_is_said_with_the_reasons(inputs):
    report = run(config(inputs, limit=N))
    assert report["tasks"] == N
    with pytest.raises(InputError, match=f"no note is left to ask about: {N} held"):
        run(config(inputs))


def test_file_for_prodigy_on_object_storage_is_refused(inputs):
    with pytest.raises(InputError, match="local file"):
        run(config(inputs, output="s3://bucket/batch.jsonl"))


def test_scores_without_their_model_are_refused():
    with pytest.raises(InputError, match="give scores and the model"):
        load(SampleConfig, overrides=["notes=a", "output=b", "scores=c"])


def test_unknown_strategy_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="'disagreement', 'uncertainty', 'random'"):
        load(SampleConfig, overrides=["notes=a", "strategy=magic"])
