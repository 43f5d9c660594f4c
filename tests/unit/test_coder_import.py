"""The user's own notes: three layouts, identifiers taken out, ICD-9 refused by name."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from thce.coder.example_files import ExampleFile
from thce.coder.import_notes import ImportNotesConfig, run
from thce.coder.rejections import completed
from thce.coder.rows import stage_table
from thce.errors import InputError
from thce.files import read_jsonl

NOTE = (
    "Admission Date: 03/12/2019. Mr. John Plimpton, MRN 4455667, was admitted with pneumonia. "
    "Seen by Dr. Agnes Ferrars."
)
HEADER = "ROW_ID,SUBJECT_ID,HADM_ID,CHARTDATE,CATEGORY,DESCRIPTION,ISERROR,TEXT\n"


def notes_table(folder: Path, name: str = "NOTEEVENTS.csv") -> Path:
    rows = [
        f'1,7,100,2019-03-14,Discharge summary,Report,,"{NOTE}"',
        '2,7,100,2019-03-12,Radiology,CXR,,"LLL infiltrate"',
        '3,8,101,2019-03-14,Discharge summary,Report,1,"wrong patient"',
        '4,9,102,2019-03-14,Discharge summary,Report,,"Nothing coded here"',
    ]
    text = HEADER + "\n".join(rows) + "\n"
    path = folder / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def imported(tmp_path: Path, **fields: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    output = tmp_path / "examples.jsonl"
    report = run(ImportNotesConfig.model_validate({"output": str(output)} | fields))
    return report, read_jsonl(output)


@pytest.mark.parametrize("name", ["NOTEEVENTS.csv", "NOTEEVENTS.csv.gz"])
def test_mimic_with_icd10_diagnoses(tmp_path: Path, name: str) -> None:
    table = tmp_path / "diagnoses.csv"
    table.write_text(
        "subject_id,hadm_id,seq_num,icd_code,icd_version\n"
        "7,100,2,I10,10\n7,100,1,J189,10\n7,100,3,4019,9\n8,101,1,I10,10\n"
    )
    report, rows = imported(
        tmp_path, layout="mimic", input=str(notes_table(tmp_path, name)), diagnoses=str(table)
    )
    assert [(row["code"], row["description"]) for row in rows] == [
        ("J18.9", "Pneumonia, unspecified organism")
    ]
    assert report["refused"] == {
        "ICD-9 diagnosis row": 1,
        "note marked as an error": 1,
        "note without an ICD-10 diagnosis": 1,
    }


def test_identifiers_do_not_come_in(tmp_path: Path) -> None:
    table = tmp_path / "diagnoses.csv"
    table.write_text("hadm_id,seq_num,icd_code,icd_version\n100,1,J189,10\n")
    report, (row,) = imported(
        tmp_path, layout="mimic", input=str(notes_table(tmp_path)), diagnoses=str(table)
    )
    written = (tmp_path / "examples.jsonl").read_text()
    for secret in ("Plimpton", "4455667", "Ferrars", "03/12/2019"):
        assert secret not in written and secret not in json.dumps(report)
    assert "[NAME]" in row["narrative"] and sum(report["identifiers"].values()) >= 4


def test_mimic_3_diagnoses_are_refused_by_name(tmp_path: Path) -> None:
    table = tmp_path / "DIAGNOSES_ICD.csv"
    table.write_text("ROW_ID,SUBJECT_ID,HADM_ID,SEQ_NUM,ICD9_CODE\n1,7,100,1,486\n2,7,100,2,4019\n")
    with pytest.raises(InputError, match=r"DIAGNOSES_ICD.*2 ICD-9 rows refused"):
        imported(tmp_path, layout="mimic", input=str(notes_table(tmp_path)), diagnoses=str(table))
    assert not (tmp_path / "examples.jsonl").exists()


def test_mtsamples_has_no_codes_of_its_own(tmp_path: Path) -> None:
    plain = tmp_path / "mtsamples.csv"
    plain.write_text(
        ",description,medical_specialty,sample_name,transcription,keywords\n"
        "0,Rhinitis visit,Allergy,Rhinitis,Runny nose each spring.,nose\n"
    )
    with pytest.raises(InputError, match="no note has a billable code"):
        imported(tmp_path, layout="mtsamples", input=str(plain))
    coded = tmp_path / "coded.csv"
    coded.write_text(
        ",description,transcription,codes\n"
        "0,visit,Runny nose each spring.,J30 J30.2\n"
        "1,visit,,I10\n"
    )
    report, rows = imported(tmp_path, layout="mtsamples", input=str(coded))
    assert [row["code"] for row in rows] == ["J30.2"]
    assert report["refused"] == {"row without a transcription": 1}


def codiesp(folder: Path) -> Path:
    (folder / "text_files_en").mkdir(parents=True)
    (folder / "text_files_en" / "S1.txt").write_text("A stenosis of the left ureter was seen.")
    (folder / "text_files_en" / "S2.txt").write_text("A case that nobody coded.")
    (folder / "trainD.tsv").write_text("S1\tn28\nS1\tn13.5\n")
    return folder


def test_codiesp_takes_the_first_billable_code(tmp_path: Path) -> None:
    report, rows = imported(tmp_path, layout="codiesp", input=str(codiesp(tmp_path / "c")))
    assert [row["code"] for row in rows] == ["N13.5"]
    assert report["refused"] == {"note without a billable code": 1}


def test_real_codiesp(evaluation_data: Path, tmp_path: Path) -> None:
    folder = evaluation_data / "codiesp" / "train"
    report, rows = imported(tmp_path, layout="codiesp", input=str(folder), limit=25)
    assert report["examples"] == len(rows) == 25
    assert len({row["id"] for row in rows}) == 25


def test_imported_examples_train_all_stages(tmp_path: Path) -> None:
    imported(tmp_path, layout="codiesp", input=str(codiesp(tmp_path / "c")))
    source = ExampleFile(tmp_path / "examples.jsonl", None, "ours")
    (example,) = completed(source.examples([0]), seed=1)
    row = stage_table(3, [example]).to_pylist()[0]
    assert row["_metadata"]["source"] == "ours" and row["_metadata"]["reasoning_present"]
    assert row["_metadata"]["rejected_code"] != "N13.5"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"layout": "mimic", "input": "absent.csv", "diagnoses": "absent.csv"}, "absent.csv"),
        ({"layout": "codiesp", "input": "absent"}, "text_files_en"),
        ({"layout": "mtsamples", "input": "wrong.csv"}, "column transcription is missing"),
    ],
)
def test_a_wrong_layout_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: dict[str, str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.csv").write_text("id,text\n1,x\n")
    with pytest.raises(InputError, match=said) as error:
        imported(tmp_path, **fields)
    assert "\n" not in str(error.value)


def test_a_dataset_streams_from_a_folder_or_a_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    folder = tmp_path / "set"
    folder.mkdir()
    rows = [
        {"text": "Productive cough for a week.", "code": "J20.9"},
        {"text": "Two codes here.", "code": "E11"},
        {"text": " ", "code": "I10"},
    ]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    report, made = imported(tmp_path, layout="hub", input=str(folder))
    assert [row["code"] for row in made] == ["J20.9"]
    assert report["refused"] == {"note without a billable code": 1, "row without text": 1}
    with pytest.raises(InputError, match="column body is missing"):
        imported(tmp_path, layout="hub", input=str(folder), text_field="body")
