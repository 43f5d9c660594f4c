"""Each bench as a user runs it, at tiny size: its JSON line, its claims, its one line of error."""

import json
from pathlib import Path
from typing import Any

import pytest
from small_graph import small_model
from small_ner import CORPUS
from small_ner import small_base as small_tagger_base
from small_training import exported, small_base
from user_commands import thce

FIELDS = {
    "bench",
    "name",
    "ours",
    "rival",
    "ratio",
    "unit",
    "definition",
    "target",
    "ok",
    "also",
    "checks",
    "repetitions",
    "notes",
    "cores",
    "processor",
    "versions",
}


def _line(*arguments: object, home: Path) -> dict[str, Any]:
    """The JSON line of a run, which may miss its target at this size and then says so."""
    done = thce("bench", *arguments, "--json", home=home, timeout=400)
    assert done.returncode in (0, 1), done.stderr
    assert len(done.stdout.splitlines()) == 1
    found = json.loads(done.stdout)
    assert set(found) >= FIELDS
    assert (done.returncode == 0) == found["ok"]
    for comparison in (found, *found["also"]):
        assert comparison["ours"] > 0
        assert comparison["rival"] > 0
        assert comparison["definition"]
    return found


def test_thresholds(tmp_path: Path) -> None:
    given = ["--notes", "400", "--seeds", "3", "--repetitions", "2"]
    found = _line("thresholds", *given, home=tmp_path)
    assert found["checks"]["no grid point is better on the notes it was fitted on"]
    assert found["ratio"] == pytest.approx(found["rival"] / found["ours"], rel=1e-2)
    assert set(found["details"]["held_out_macro_f1_above_the_grid_by_validation_size"]) == {
        "100",
        "400",
        "1000",
    }


def test_hydrate(tmp_path: Path) -> None:
    found = _line(
        *("hydrate", "--notes", "300", "--small-notes", "100", "--ray-notes", "200"),
        *("--keyword-notes", "10", "--repetitions", "1"),
        home=tmp_path,
    )
    assert all(found["checks"].values()), found["checks"]
    assert len(found["checks"]) == 2
    assert [one["unit"] for one in (found, *found["also"])] == [
        "notes per second",
        "notes per second",
        "mebibytes",
    ]


def test_score(registry_data: Path, tmp_path: Path) -> None:
    found = _line(
        *("score", "--model", exported(registry_data).bundle, "--seconds", "0.05"),
        *("--input", str(registry_data / "registry_notes_b.jsonl"), "--weights", "int8"),
        home=tmp_path,
    )
    assert found["checks"] == {
        "int8: rows do not depend on workers and batches": True,
        "int8: probabilities are the bare sessions' to the bit": True,
    }
    assert len(found["details"]["int8"]["pipeline_settings_tried_notes_per_second"]) == 10


@pytest.mark.soak
def test_train(tmp_path: Path) -> None:
    from thce.bench.load_notes import SHORT_WORDS, load_rows

    base = small_base(tmp_path / "base", [row["text"] for row in load_rows(50, SHORT_WORDS)])
    found = _line(
        *("train", "--base", base, "--notes", "40", "--tokens", "32"),
        *("--epochs", "1", "--repetitions", "2"),
        home=tmp_path,
    )
    assert found["checks"] == {"both sides have the same losses": True}


@pytest.mark.soak
def test_coder(tmp_path: Path) -> None:
    found = _line(
        *("coder", "--base", str(small_model(tmp_path)), "--narratives", "2"),
        *("--tokens", "8", "--repetitions", "1"),
        home=tmp_path,
    )
    assert found["checks"] == {"every answer has a billable code": True}
    rates = found["details"]["tokens_per_second"]
    assert set(rates) >= {"ours", "bare", "transformers"}
    assert found["ratio"] == pytest.approx(rates["ours"] / rates["transformers"], rel=1e-2)
    assert [one["unit"] for one in found["also"]][:2] == ["tokens per second", "seconds"]


@pytest.mark.soak
def test_ner(tmp_path: Path) -> None:
    """With an untrained layer on a tiny encoder, which is built as the bench builds it."""
    base = small_tagger_base(tmp_path / "base")
    found = _line(
        *("ner", "--base", base, "--input", str(CORPUS)),
        *("--documents", "3", "--repetitions", "1"),
        home=tmp_path,
    )
    assert found["checks"] == {
        "fp32 finds the mentions that torch finds": True,
        "answers do not depend on how many documents come at once": True,
    }
    sides = found["details"]["sides"]
    assert set(sides) >= {
        "onnxruntime int8",
        "onnxruntime fp32",
        "torch fp32",
        "torch bf16",
        "pipeline fp32",
    }
    for side in sides.values():
        by_batch = side["documents_per_second_by_batch"]
        assert set(by_batch) == {"1", "8", "16", "32"}
        assert side["minutes_for_10000_notes"] == pytest.approx(
            10_000 / 60 / max(by_batch.values()), rel=1e-2
        )
        assert side["memory_mib"] > 30


@pytest.mark.parametrize(
    "arguments",
    [
        ["ner", "--model", "absent"],
        ["ner", "--input", "absent"],
        ["ner", "--base", "./absent"],
        ["score", "--model", "absent"],
        ["score", "--input", "absent.jsonl"],
        ["score", "--weights", "int4"],
        ["hydrate", "--notes", "-1"],
        ["hydrate", "--notes", "500", "--small-notes", "500"],
        ["thresholds", "--notes", "3"],
        ["train", "--base", "./absent"],
        ["coder", "--base", "./absent"],
        ["coder", "--precision", "int2"],
    ],
    ids=lambda arguments: " ".join(arguments),
)
def test_bad_input_ends_with_2_and_one_line(arguments: list[str], tmp_path: Path) -> None:
    done = thce("bench", *arguments, home=tmp_path)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("thce: ")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.soak
def test_format(tmp_path: Path) -> None:
    found = _line("format", "--rows", "640", "--repetitions", "1", home=tmp_path)
    assert found["checks"]["Ray and plain processes write the same bytes"]
    assert found["ratio"] == pytest.approx(found["ours"] / found["rival"], rel=1e-2)
