"""Datasets of a hub as brat files."""

import json
from pathlib import Path
from typing import Any

import pytest

from thce.errors import InputError
from thce.ner.brat import read_folder
from thce.ner.import_hub import ImportConfig, run

TEXT = "He had fever.\nNo cough."


def imported(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> dict[str, Any]:
    folder = tmp_path / "dataset"
    folder.mkdir()
    with open(folder / "train.jsonl", "w") as handle:
        handle.writelines(f"{json.dumps(row)}\n" for row in rows)
    return run(ImportConfig(dataset=str(folder), output=str(tmp_path / "brat"), **options))


def mention(start: int, end: int, label: str = "Sign symptom") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


@pytest.fixture(autouse=True)
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))


def test_rows_become_files_that_brat_reads(tmp_path: Path) -> None:
    rows = [
        {"full_text": TEXT, "ner_info": [mention(7, 12), mention(8, 23)], "name": "a"},
        {"full_text": TEXT, "ner_info": [mention(17, 22)], "name": "b"},
    ]
    report = imported(tmp_path, rows, id_field="name")
    assert (report["documents"], report["mentions"]) == (2, 3)
    files = read_folder(tmp_path / "brat", types={"Sign_symptom"})
    assert [one.document.id for one in files] == ["a", "b"]
    assert [one.document.text for one in files] == [TEXT, TEXT]
    assert files[0].document.entities[0].text == "fever"
    assert all(one.oddities == () for one in files)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"full_text": TEXT, "ner_info": [mention(7, 99)]}, "row 1: mention 1: 7 99 does not lie"),
        ({"full_text": TEXT, "entities": []}, "row 1: column ner_info is missing"),
        ({"full_text": TEXT, "ner_info": [{"start": 1}]}, "row 1: mention 1 has not start"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, row: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        imported(tmp_path, [row])
    assert said in str(error.value)
    assert "fever" not in str(error.value)
