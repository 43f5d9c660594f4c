import json
from pathlib import Path

import pytest

from thce.errors import InputError
from thce.notes.recall import PlantedRow, PlantedSpan, measure_recall, read_planted

# Measured: docs/notes.md. The held-out part was not looked at while the patterns were written.
_FLOORS = {
    "development": {
        "address": 1.0, "age": 1.0, "date": 1.0, "date_partial": 1.0, "email": 1.0,
        "facility": 0.95, "id": 1.0, "name": 1.0, "phone": 1.0, "ssn": 1.0, "url": 1.0, "zip": 1.0,
    },
    "held-out": {
        "address": 1.0, "age": 0.66, "date": 1.0, "date_partial": 1.0, "email": 1.0,
        "facility": 0.77, "id": 0.90, "name": 0.91, "phone": 1.0, "ssn": 1.0, "url": 1.0,
        "zip": 1.0,
    },
}  # fmt: skip


@pytest.mark.parametrize("part", sorted(_FLOORS))
def test_recall_does_not_fall_below_what_was_measured(part: str) -> None:
    report = measure_recall(row for row in read_planted() if row.part == part)
    for kind, floor in _FLOORS[part].items():
        assert report.kinds[kind].recall >= floor, kind
    assert report.precision >= 0.98


def test_the_planted_set_is_large_and_holds_what_patterns_miss() -> None:
    rows = read_planted()
    assert len({row.id for row in rows}) == len(rows) >= 60
    kinds = {span.kind for row in rows for span in row.spans}
    assert {"name_bare", "facility_bare", "place", "date_bare"} <= kinds


def test_an_identifier_half_replaced_is_not_found() -> None:
    text = "Dr. Ray Fenn came"
    rows = [
        PlantedRow(id="1", text=text, spans=[PlantedSpan(kind="name", start=4, end=12)]),
        PlantedRow(id="2", text=text, spans=[PlantedSpan(kind="name", start=4, end=17)]),
    ]
    report = measure_recall(rows)
    assert (report.kinds["name"].planted, report.kinds["name"].found) == (2, 1)
    assert report.precision == 1.0


def test_what_is_replaced_beside_an_identifier_costs_precision() -> None:
    row = PlantedRow(id="1", text="MRN 4471 Dr. Ray", spans=[])
    report = measure_recall([row])
    assert report.precision == 0.0
    assert report.as_dict()["recall"] == {}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "1", "text": "x", "spans": [{"kind": "name", "start": 0, "end": 9}]}, "outside"),
        ({"id": "1", "text": "x", "spans": [{"kind": "name", "start": 1, "end": 1}]}, "outside"),
        ({"id": "1", "text": "a  b", "spans": []}, "normal form"),
        ({"id": "1", "spans": []}, "text: field required"),
    ],
)
def test_a_wrong_planted_set_is_refused(tmp_path: Path, row: dict[str, object], said: str) -> None:
    path = tmp_path / "planted.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(InputError, match=rf"planted\.jsonl:1: .*{said}"):
        read_planted(path)
