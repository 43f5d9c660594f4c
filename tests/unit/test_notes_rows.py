import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.notes.identity import encounter_id
from thce.notes.rows import READ_SCHEMA, BadRowError, Note, parse_row, to_table
from thce.registry.labels import Flag

_TEXT = "EBUS of 4R."


def _bad(**values: Any) -> str:
    with pytest.raises(BadRowError) as error:
        parse_row({"text": _TEXT, **values})
    return str(error.value)


def test_the_first_field_with_text_wins() -> None:
    row = {"narrative": "d", "note": "c", "text": "b", "note_text": " "}
    assert parse_row(row).note_text == "b"
    assert parse_row({"narrative": "d", "note": ""}).note_text == "d"


def test_ids_are_kept_as_given_or_made_from_the_text() -> None:
    assert parse_row({"text": _TEXT, "id": " 7 "}).encounter_id == " 7 "
    assert parse_row({"text": _TEXT, "id": "i", "encounter_id": "e"}).encounter_id == "e"
    assert parse_row({"text": _TEXT, "encounter_id": None}).encounter_id == encounter_id(_TEXT)
    assert parse_row({"text": _TEXT, "encounter_id": "", "id": "i"}).encounter_id == "i"


@pytest.mark.parametrize(
    ("value", "codes"),
    [
        (None, []),
        ("", []),
        ([], []),
        ("31653", ["31653"]),
        ("31653,31624-59; 31628 |C9751", ["31653", "31624-59", "31628", "C9751"]),
        (["31653", " 31624 "], ["31653", "31624"]),
        ([31653], ["31653"]),
        (31653, ["31653"]),
        ('["31653"]', ["31653"]),
    ],
)
def test_codes_come_as_a_list_or_as_text(value: Any, codes: list[str]) -> None:
    assert parse_row({"text": _TEXT, "cpt_codes": value}).cpt_codes == codes


@pytest.mark.parametrize("field", ["accept", "uncertain"])
def test_an_empty_list_is_stated_and_a_missing_one_is_not(field: str) -> None:
    read = lambda value: getattr(parse_row({"text": _TEXT, field: value}), field)  # noqa: E731
    assert read([]) == [] == read("[]")
    assert read(None) is None
    assert read("") is None
    both = [Flag.BAL.value, Flag.IPC.value]
    assert read(both) == both == read(f"{Flag.BAL}|{Flag.IPC}") == read(json.dumps(both))


@pytest.mark.parametrize("as_text", [False, True])
def test_a_form_is_an_object_whose_null_fields_are_not_stated(as_text: bool) -> None:
    form = {Flag.IPC.value: False, Flag.BAL.value: True, Flag.BLVR.value: None}
    note = parse_row({"text": _TEXT, "structured": json.dumps(form) if as_text else form})
    assert note.structured == json.dumps({Flag.BAL: True, Flag.IPC: False})
    assert parse_row({"text": _TEXT, "structured": " "}).structured is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"text": None}, "no text"),
        ({"text": "  \n"}, "empty"),
        ({"text": 7}, "text: expected text, found a number"),
        ({"text": ["x"]}, "found a list"),
        ({"text": "a\x00b"}, "NUL"),
        ({"text": "a \ud800 b"}, "surrogate"),
        ({"text": "x" * 1_000_001}, "longer than 1000000"),
        ({"id": 12}, "id: expected text, found a number"),
        ({"encounter_id": True}, "encounter_id: expected text"),
        ({"id": "a\nb"}, "cannot be printed"),
        ({"id": "  "}, "blank"),
        ({"id": "x" * 257}, "longer than 256"),
        ({"id": "\udcff"}, "cannot be printed"),
        ({"cpt_codes": {"a": 1}}, "cpt_codes: expected a list, found an object"),
        ({"cpt_codes": True}, "found a truth value"),
        ({"cpt_codes": [3.5]}, "expected a list of names"),
        ({"cpt_codes": "[1, "}, "cpt_codes: not valid JSON"),
        ({"cpt_codes": ["\ud800"]}, "not Unicode"),
        ({"accept": 3}, "accept: expected a list"),
        ({"accept": [None]}, "found null"),
        ({"structured": [1]}, "structured: expected an object"),
        ({"structured": {"x": 1}}, "true or false"),
        ({"structured": {"x": "yes"}}, "true or false"),
        ({"structured": "{"}, "structured: not valid JSON"),
    ],
)
def test_a_bad_row_says_why(values: dict[str, Any], said: str) -> None:
    assert said in _bad(**values)


@given(st.text(min_size=20), st.sampled_from(["structured", "accept", "id", "cpt_codes"]))
def test_no_reason_repeats_what_the_row_says(secret: str, field: str) -> None:
    try:
        parse_row({"text": _TEXT, field: {secret: secret}})
    except BadRowError as error:
        assert secret not in str(error)


def test_a_table_has_the_read_columns_even_without_rows() -> None:
    note = Note("e", "t", ["31653"], None, None, [])
    assert to_table([note]).to_pylist() == [
        {
            "encounter_id": "e",
            "note_text": "t",
            "cpt_codes": ["31653"],
            "structured": None,
            "accept": None,
            "uncertain": [],
        }
    ]
    assert to_table([]).schema.equals(READ_SCHEMA)
