"""Codes: the shipped tables, the user's own files, checking and searching them."""

import csv
import datetime
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from thce.codes.check import check
from thce.codes.cli import app
from thce.codes.code_types import CodeType, normalise
from thce.codes.columns import DamagedFile, Texts, read_columns, write_columns
from thce.codes.import_table import import_codes
from thce.codes.load import load_catalogue
from thce.errors import Finding, InputError

CMS = """HCPC,SEQNUM,RECID,LONG DESCRIPTION,SHORT DESCRIPTION,ADD DT,ACT EFF DT,TERM DT
A0425,00100,3,"Ground mileage, per statute mile",Ground mileage,20010101,20010101,
A7042,00100,3,"Implanted pleural catheter, each",Pleural catheter,20030101,20150101,20141231
J1885,00100,3,"Injection, ketorolac",Ketorolac,19940101,20260101,
J1885,00200,4,"tromethamine, per 15 mg",,,,
25,00100,7,Separate service,Separate,20000101,20000101,
"""


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def imported(tmp_path: Path, text: str, kind: CodeType, encoding: str = "utf-8") -> dict:
    path = tmp_path / "release.csv"
    path.write_bytes(text.encode(encoding))
    return import_codes(path, kind, None, None)


def typed(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_shipped_tables_are_as_large_as_promised_and_say_that_they_are_not_whole() -> None:
    cpt, hcpcs = load_catalogue("CPT"), load_catalogue("hcpcs")
    assert len(cpt.billable_codes()) == 628
    assert len(hcpcs.billable_codes()) == 710
    assert not cpt.source.complete
    assert "AMA" in cpt.source.licence


@pytest.mark.parametrize(("kind", "code"), [("CPT", "99213"), ("HCPCS", "A0425")])
def test_past_the_table_s_date_a_note_says_that_a_newer_one_may_differ(
    kind: str, code: str
) -> None:
    catalogue = load_catalogue(kind)
    released = datetime.date.fromisoformat(catalogue.source.effective)
    assert check(catalogue, code)["notes"] == check(catalogue, code, released)["notes"] == []
    report = check(catalogue, code, released + datetime.timedelta(days=1))
    assert report["ok"]
    assert f"until {released}" in report["notes"][-1]


def test_every_code_of_the_flag_map_is_in_the_shipped_tables(repository: Path) -> None:
    text = (repository / "thce/registry/data/cpt_codes.yaml").read_text(encoding="utf-8")
    table = yaml.safe_load(text)
    mapped = {*table["bronchoscopy"], *table["single"], *table["either"], *table["silent"]}
    known = {*load_catalogue("CPT").billable_codes(), *load_catalogue("HCPCS").billable_codes()}
    assert not {str(code) for code in mapped} - known


def test_versions_name_each_catalogue_and_follow_an_import(tmp_path: Path) -> None:
    before = load_catalogue("HCPCS").fingerprint
    imported(tmp_path, CMS, CodeType.HCPCS)
    after = load_catalogue("HCPCS")
    assert after.fingerprint != before
    assert after.source.version == "release"
    assert after.source.effective == "2003-01-01"


def test_an_imported_cms_file_keeps_dates_and_joins_continued_descriptions(tmp_path: Path) -> None:
    report = imported(tmp_path, CMS, CodeType.HCPCS)
    assert (report["codes"], report["terminated"], report["modifiers"]) == (3, 1, 1)
    catalogue = load_catalogue("HCPCS")
    record = catalogue.get("j1885")
    assert record is not None
    assert record.description == "Injection, ketorolac tromethamine, per 15 mg"
    assert record.lifetime["active_from"] == "1994-01-01"


def test_what_continues_a_row_that_was_skipped_is_skipped_with_it(tmp_path: Path) -> None:
    continued = CMS + (
        'A0425,00200,4,"and more, of the second",,,,\n'  # another code stood between
        "J1886,00100,3,Injection of,Injection,soon,20260101,\n"
        "J1886,00200,4,something,,,,\n"
    )
    others = "".join(f"B{n:04},00100,3,words,words,20010101,20010101,\n" for n in range(100))
    report = imported(tmp_path, continued + others, CodeType.HCPCS)
    skipped = Path(report["skipped_rows"]).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["line"] for line in skipped] == [7, 8, 9]
    assert report["skipped"] == 3
    catalogue = load_catalogue("HCPCS")
    record = catalogue.get("A0425")
    assert record is not None
    assert record.description == "Ground mileage, per statute mile"
    assert catalogue.get("J1886") is None


def test_a_quoted_description_may_have_several_lines(tmp_path: Path) -> None:
    text = 'HCPC,LONG DESCRIPTION\r\nA0425,"Ground mileage,\r\nper ""statute"" mile"\r\n'
    imported(tmp_path, text, CodeType.HCPCS)
    record = load_catalogue("HCPCS").get("A0425")
    assert record is not None
    assert record.description == 'Ground mileage, per "statute" mile'


def test_leading_zeros_come_back_where_a_spreadsheet_can_have_dropped_them(tmp_path: Path) -> None:
    report = imported(tmp_path, "CPT,Description\n100,first\n1999,last\n7,page\n", CodeType.CPT)
    assert load_catalogue("CPT").billable_codes() == ["00100", "01999"]
    assert report["skipped"] == 1


def test_a_terminated_code_is_refused_with_its_last_day_and_was_good_before(tmp_path: Path) -> None:
    path = tmp_path / "cms.csv"
    path.write_text(CMS)
    import_codes(path, CodeType.HCPCS, "Q1", datetime.date(2026, 1, 1))
    catalogue = load_catalogue("HCPCS")
    now = check(catalogue, "A7042")
    assert (now["valid"], now["billable"], now["active"]) == (True, False, False)
    assert "2014-12-31" in now["notes"][0]
    assert check(catalogue, "A7042", datetime.date(2014, 12, 31))["ok"]
    assert not check(catalogue, "A7042", datetime.date(2015, 1, 1))["ok"]
    assert not check(catalogue, "A7042", datetime.date(2002, 12, 31))["ok"]
    found = catalogue.search("pleural catheter", 5)
    assert "A7042" not in [match.code for match in found]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t", "|"])
def test_a_licensed_cpt_file_replaces_the_wording(
    tmp_path: Path, encoding: str, separator: str
) -> None:
    rows = [("CPT Code", "Long Descriptor"), ("99213", "wording ± own"), ("0001F", "measure")]
    text = "\n".join(separator.join(row) for row in rows)
    imported(tmp_path, text, CodeType.CPT, encoding)
    catalogue = load_catalogue("CPT")
    record = catalogue.get("99213")
    assert record is not None
    assert record.description == "wording ± own"
    assert catalogue.billable_codes() == ["0001F", "99213"]
    assert catalogue.source.complete


def test_lines_of_code_and_words_need_no_header(tmp_path: Path) -> None:
    imported(tmp_path, "Copyright\n\n99213\tvisit\n99214  longer visit\n", CodeType.CPT)
    assert load_catalogue("CPT").billable_codes() == ["99213", "99214"]


def test_the_fixed_width_record_of_cms_is_read(tmp_path: Path) -> None:
    record = f"{'E0601':5}{'00100':5}3{'Airway pressure device':80}{'Airway device':28}"
    line = f"{record:268}{'19860101'}{'20260101'}{'':8}".ljust(320)
    imported(tmp_path, line + "\n", CodeType.HCPCS)
    found = load_catalogue("HCPCS").get("E0601")
    assert found is not None
    assert (found.description, found.lifetime["active_from"]) == (
        "Airway pressure device",
        "1986-01-01",
    )


def test_a_fixed_width_record_that_is_cut_short_is_counted(tmp_path: Path) -> None:
    record = f"{'E0601':5}{'00100':5}3{'Airway pressure device':80}".ljust(320)
    short = record.replace("E0601", "E0602")[:280]
    report = imported(tmp_path, f"{record}\n{short}\n\n", CodeType.HCPCS)
    assert (report["codes"], report["skipped"]) == (1, 1)
    (skipped,) = Path(report["skipped_rows"]).read_text(encoding="utf-8").splitlines()
    assert json.loads(skipped) == {"line": 2, "reason": "280 characters, a record has 320"}


def test_a_long_wording_does_not_make_lines_fixed_width_records(tmp_path: Path) -> None:
    imported(tmp_path, f"99213\tvisit\n99214\t{'long ' * 80}\n", CodeType.CPT)
    assert load_catalogue("CPT").billable_codes() == ["99213", "99214"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column of codes"),
        (b"PK\x03\x04", "save the sheet as CSV"),
        (b"HCPC,LONG DESCRIPTION\nwrong,words\n", "not written like a HCPCS code"),
        (b"HCPC,LONG DESCRIPTION,ADD DT\nA0425,words,soon\n", "not a date"),
        (b"\0\1\2", "not a text file"),
        (CMS.encode("utf-16")[:-1], "wrong.csv:6: not UTF-16"),
        (b'HCPC,LONG DESCRIPTION\nA0425,words\nA0426,"open\nA0427,words\n', "wrong.csv:3: the quo"),
        (b'HCPC,LONG DESCRIPTION\nA0425,"open\nA0426,"words"\n', "wrong.csv:2: the quotes"),
        (b"x" * 140_000 + b"\n", "no column of codes"),
    ],
)
def test_a_file_that_is_none_changes_nothing(
    tmp_path: Path, own_home: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        import_codes(path, CodeType.HCPCS, None, None)
    assert not (own_home / "codes" / "imported").exists()


def test_a_damaged_cache_is_rebuilt_and_said_so(
    own_home: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = load_catalogue("CPT").billable_codes()
    (cache,) = (own_home / "codes" / "cache").glob("CPT-*.columns")
    content = bytearray(cache.read_bytes())
    content[-100] ^= 1
    cache.write_bytes(content)
    monkeypatch.setattr("thce.codes.load._loaded", {})
    with caplog.at_level(logging.WARNING):
        assert load_catalogue("CPT").billable_codes() == codes
    assert "damaged" in caplog.text
    read_columns(cache)


def test_columns_come_back_as_written_and_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.columns"
    texts = Texts.of(["", "é", "plain"])
    write_columns(path, {"a": 1}, {"blob": texts.blob, "ends": texts.ends, "n": np.arange(5)})
    header, arrays = read_columns(path)
    back = Texts(arrays["blob"], arrays["ends"])
    assert (header, [back[row] for row in range(3)]) == ({"a": 1}, ["", "é", "plain"])
    assert arrays["n"].tolist() == [0, 1, 2, 3, 4]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DamagedFile):
        read_columns(path)


@given(st.text(max_size=12), st.sampled_from(CodeType))
def test_normalising_twice_is_normalising_once(text: str, kind: CodeType) -> None:
    once = normalise(text, kind)
    assert normalise(once, kind) == once


@given(st.from_regex(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?", fullmatch=True))
def test_spellings_of_a_code_are_one(code: str) -> None:
    spellings = (code.lower(), f" {code}\n", code.replace(".", ""))
    assert {normalise(spelling, CodeType.ICD10) for spelling in spellings} == {code}


def test_commands_answer_with_the_promised_exit_codes() -> None:
    report = json.loads(typed("check", "99213", "--type", "CPT", "--json"))
    assert report["ok"] and report["suggestions"] == []
    with pytest.raises(Finding, match="99213-25"):
        typed("check", "99213-25", "--type", "CPT")
    with pytest.raises(InputError, match="not a code type"):
        typed("check", "99213", "--type", "SNOMED")
    with pytest.raises(InputError, match="--date"):
        typed("check", "99213", "--type", "CPT", "--date", "soon")
    with pytest.raises(InputError, match="empty"):
        typed("search", " ", "--type", "CPT")
    matches = json.loads(typed("search", "total", "knee", "replacement", "--type", "CPT", "--json"))
    assert matches["matches"][0]["code"] == "27447"


@pytest.mark.parametrize(("kind", "least"), [("CPT", 0.85), ("HCPCS", 0.85)])
def test_short_queries_find_their_code_among_five(
    repository: Path, kind: str, least: float
) -> None:
    with open(repository / "data/codes/short_queries.csv", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["code_type"] == kind]
    catalogue = load_catalogue(kind)
    found = [
        any(match.code in row["codes"].split("|") for match in catalogue.search(row["query"], 5))
        for row in rows
    ]
    assert np.mean(found) >= least
