"""The rivals do what they are said to do, and a missed target is not reported as met."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from thce.bench.bare_sessions import BareModel, _cut
from thce.bench.load_notes import SHORT_WORDS, load_rows
from thce.bench.memory import sampled_peak
from thce.bench.processes import family
from thce.bench.regex_loop import RegexLoop
from thce.bench.repeat import interleaved_seconds
from thce.bench.result import BenchResult, at_least, require_targets
from thce.bench.score_work import source_rows
from thce.bench.threshold_grid import GRID, f1_of, grid_sweep
from thce.errors import Finding
from thce.files import write_jsonl
from thce.notes.rows import parse_row
from thce.registry.encode import NoteEncoder


def result(*ratios: float, **checks: bool) -> BenchResult:
    comparisons = tuple(
        at_least(f"figure {number}", "one and the other", "notes per second", ratio * 10, 10.0, 2.0)
        for number, ratio in enumerate(ratios)
    )
    return BenchResult("some", comparisons, 3, 100, 2, checks, {"x": 1.23456789})


def test_a_line_is_one_line_of_json_with_the_headline_on_top() -> None:
    line = json.loads(result(2.5, 3.0, same=True).line({"processor": "p"}))
    assert (line["ours"], line["rival"], line["ratio"], line["ok"]) == (25.0, 10.0, 2.5, True)
    assert line["also"][0]["ratio"] == 3.0
    assert line["details"] == {"x": 1.235}
    assert line["processor"] == "p"


@pytest.mark.parametrize(
    ("found", "said"),
    [(result(2.5, 1.9), "figure 1 is 1.9"), (result(2.5, same=False), "same does not hold")],
)
def test_one_miss_makes_the_bench_fail(found: BenchResult, said: str) -> None:
    assert json.loads(found.line({}))["ok"] is False
    with pytest.raises(Finding, match=said):
        require_targets(found)


def test_sides_are_warmed_up_once_and_then_take_turns() -> None:
    calls: list[str] = []
    sides = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    seconds = interleaved_seconds(sides, 3)
    assert "".join(calls) == "ab" + "ab" + "ba" + "ab"
    assert [len(values) for values in seconds.values()] == [3, 3]


def test_the_loop_finds_whole_words_only() -> None:
    loop = RegexLoop()
    assert len(loop.find("BAL and brushings; the balance is kept, BAL again")["bal"]) == 2
    assert "bal" not in loop.find("the balance is kept")


def test_the_grid_keeps_the_best_point_of_each_flag() -> None:
    rng = np.random.default_rng(3)
    positive = rng.random((200, 4)) < 0.3
    score = np.clip(rng.normal(0.3, 0.2, positive.shape) + 0.3 * positive, 0, 1)
    by_point = np.array([f1_of(score, positive, np.full(4, point)) for point in GRID])
    best = grid_sweep(score, positive)
    np.testing.assert_allclose(f1_of(score, positive, best), by_point.max(axis=0))
    np.testing.assert_allclose(best, GRID[by_point.argmax(axis=0)])


class Letters:
    """A tokenizer of one id per letter, which is all that `NoteEncoder` needs here."""

    pad_token_id = 0

    def __call__(self, texts: list[str], **_: object) -> dict[str, list[list[int]]]:
        return {"input_ids": [[ord(letter) for letter in text] for text in texts]}


@pytest.mark.parametrize(("head", "tail"), [(4, 0), (4, 3), (9, 9)])
def test_bare_sessions_cut_notes_as_the_encoder_does(tmp_path, head: int, tail: int) -> None:
    text = "abcdefghijk"
    model = BareModel(tmp_path, tmp_path, head, tail)
    (expected,) = NoteEncoder(Letters(), head, tail).encode([text])
    assert _cut([ord(letter) for letter in text], model).tolist() == expected.tolist()


def test_load_notes_are_distinct_reproducible_and_of_the_wanted_length() -> None:
    rows = list(load_rows(50, SHORT_WORDS))
    assert rows == list(load_rows(50, SHORT_WORDS))
    assert len({row["text"] for row in rows}) == 50
    assert all(SHORT_WORDS[0] <= len(row["text"].split()) <= 120 for row in rows)


def test_given_notes_are_repeated_with_their_codes_and_forms(tmp_path) -> None:
    given = {"text": "BAL of the lingula.", "cpt_codes": ["31624"], "structured": {"bal": True}}
    write_jsonl(tmp_path / "notes.jsonl", [given, {"text": "Clinic note."}])
    assert [parse_row(row) for row in source_rows(str(tmp_path / "notes.jsonl"))] == [
        parse_row(given),
        parse_row({"text": "Clinic note."}),
    ]


def test_the_family_holds_this_process_and_what_it_started() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert {os.getpid(), child.pid} <= family()
        assert os.getppid() not in family()
    finally:
        child.communicate()


def test_the_peak_sees_memory_that_was_freed_again() -> None:
    with sampled_peak() as before:
        pass
    with sampled_peak() as peak:
        block = np.ones(64 * 1024**2, dtype=np.uint8)
        time.sleep(0.7)
        del block
    assert peak.driver >= before.driver + 60 * 1024**2
    assert peak.total >= peak.driver - 64 * 1024**2
