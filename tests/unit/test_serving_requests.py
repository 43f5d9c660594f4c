"""What a server accepts: strict JSON, notes, limits; errors name the field."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.serving.config import Safety
from thce.serving.note_requests import read_notes
from thce.serving.problems import ProblemError, field_name
from thce.serving.rate_limit import RateLimit
from thce.serving.strict_json import DEEPEST, parse

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False).filter(lambda value: abs(value) < 1e300)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_json_writes_is_read_as_it_was(value: Any) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_by_name(body: bytes) -> None:
    try:
        parse(body)
    except ProblemError as problem:
        assert problem.status == 400 and problem.message.startswith("body: ")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1e999}', "too large"),
        (b'{"a": 123456789012345678901234567890}', "too many digits"),
        (b'{"a": 1, "a": 2}', "comes twice"),
        (b'{"b": [{"a": 1, "a": 1}]}', "comes twice"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"\\udc00": 1}', "lone surrogate"),
        (b"[" * 100_000, "nested deeper"),
        (b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2), "nested deeper"),
        (b'{"a": }', "not valid JSON at line 1, column 7"),
        (b"", "not valid JSON"),
    ],
)
def test_what_has_two_readings_is_refused(body: bytes, said: str) -> None:
    with pytest.raises(ProblemError, match=said) as raised:
        parse(body)
    assert raised.value.status == 400


def test_a_note_and_lists_of_notes_are_read_alike() -> None:
    row = {"note_text": "BAL was performed.", "id": "e1", "cpt_codes": ["31624"]}
    single = read_notes(row, Safety())
    assert single == read_notes([row], Safety()) == read_notes({"notes": [row]}, Safety())
    assert single[0].encounter_id == "e1" and single[0].cpt_codes == ["31624"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"note_text": 7}, "note_text"),
        ({"note_text": "a", "cpt": []}, "cpt"),
        ({"note_text": "a", "a name made of many words": 1}, "?"),
        ({"note_text": "a", "structured": {"no_flag": True}}, "structured"),
        ({"note_text": "a", "structured": {"bal": "yes"}}, "structured"),
        ([{"note_text": "a"}, {"note_text": ""}], "[1]"),
        (
            {"notes": [{"note_text": "a"}, {"text": "b", "cpt_codes": {}}]},
            "notes[1].cpt_codes",
        ),
        ({"notes": [{"note_text": "a", "id": "1"}, {"note_text": "b", "id": "1"}]}, "notes[1]"),
        ({"notes": [{"note_text": "a"}, 3]}, "notes[1]"),
        ({"notes": "a"}, "notes"),
        ({"notes": []}, "notes"),
        ("a", "body"),
        (None, "body"),
        ({"note_text": "abc" * 100}, "note_text"),
        ([{"note_text": str(number)} for number in range(4)], "body"),
    ],
)
def test_an_error_names_the_field(body: Any, field: str) -> None:
    with pytest.raises(ProblemError) as raised:
        read_notes(body, Safety(note_characters=200, notes=3))
    assert raised.value.status == 422
    assert raised.value.field == field


def test_an_error_repeats_nothing_of_a_note() -> None:
    with pytest.raises(ProblemError) as raised:
        read_notes({"note_text": "a", "Jane Miller has pneumonia": 1}, Safety())
    assert "Miller" not in f"{raised.value.message}{raised.value.field}"
    assert field_name(("notes", 2, "Jane Miller")) == "notes[2].?"


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    now = [0.0]
    limit = RateLimit(rate=2.0, burst=3, clock=lambda: now[0])
    assert [limit.wait("a") for _ in range(4)] == [0, 0, 0, 1]
    assert limit.wait("b") == 0  # nobody pays for another
    now[0] = 0.5
    assert [limit.wait("a") for _ in range(2)] == [0, 1]


def test_a_problem_travels_between_processes() -> None:
    import pickle

    problem = ProblemError(503, "busy", "notes[0]", 3)
    again = pickle.loads(pickle.dumps(problem))
    assert vars(again) == vars(problem)
    assert asyncio.run(_headers(again))["retry-after"] == "3"


async def _headers(problem: ProblemError) -> dict[str, str]:
    return dict(problem.response().headers)
