"""Codes: ICD-10-CM, near misses, search and bulk validation. The catalogue is built once."""

import csv
import datetime
import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.codes.catalogue import Catalogue
from thce.codes.check import check
from thce.codes.code_types import CodeType, normalise
from thce.codes.load import load_catalogue
from thce.codes.typos import Vocabulary, letter_masks
from thce.errors import InputError


@pytest.fixture(scope="module")
def icd10(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THCE_HOME", str(tmp_path_factory.mktemp("home")))
        yield load_catalogue("ICD10")


def test_all_billable_codes_of_april_2026_are_there_once(icd10: Catalogue) -> None:
    codes = icd10.billable_codes()
    assert len(codes) == len(set(codes)) == 74_719
    assert icd10.source.effective == "2026-04-01"


@pytest.mark.parametrize("code", ["B20", "F99", "P84", "R99", "Z66"])
def test_a_block_of_the_same_name_does_not_hide_the_code(icd10: Catalogue, code: str) -> None:
    record = icd10.get(code)
    assert record is not None
    assert (record.kind, record.billable, record.children) == ("code", True, ())


def test_a_record_holds_its_place_in_the_tree(icd10: Catalogue) -> None:
    record = icd10.get("e119")
    assert record is not None
    assert record.description == "Type 2 diabetes mellitus without complications"
    assert record.parents == ("E11", "E08-E13", "4")
    assert "excludes1" in record.notes
    assert record.lifetime == {"active_from": "2021-01-01"}
    assert "E11.9" in icd10.children("E11")


def test_headings_have_no_dates_since_the_history_is_of_billable_codes(icd10: Catalogue) -> None:
    for heading in ("4", "E08-E13", "E11", "E11.2"):
        record = icd10.get(heading)
        assert record is not None
        assert record.lifetime == {}
        assert not record.billable


@pytest.mark.parametrize(
    ("code", "date", "valid"),
    [
        ("E11.9", None, True),
        ("E11", None, True),  # a category
        ("E08-E13", None, False),  # a block
        ("G35", datetime.date(2024, 1, 1), True),
        ("T40.491S9", None, False),  # no such code
    ],
)
def test_valid_is_a_code_or_a_category_of_the_catalogue(
    icd10: Catalogue, code: str, date: datetime.date | None, valid: bool
) -> None:
    assert check(icd10, code, date)["valid"] is valid


def test_past_the_release_a_note_says_that_a_newer_one_may_differ(icd10: Catalogue) -> None:
    assert check(icd10, "E11.9", datetime.date(2026, 9, 30))["notes"] == []
    (note,) = check(icd10, "E11.9", datetime.date(2026, 10, 1))["notes"]
    assert "until 2026-09-30" in note


def test_every_billable_code_validates_in_every_spelling(icd10: Catalogue) -> None:
    codes = icd10.billable_codes()
    for spelling in (str.lower, lambda code: code.replace(".", ""), lambda code: f" {code}\t"):
        assert icd10.validate([spelling(code) for code in codes]).all()


def test_what_does_not_exist_never_validates(icd10: Catalogue) -> None:
    known = set(icd10.billable_codes())
    generator = np.random.default_rng(7)
    letters = np.array(list("0123456789ABCDEFXZ"))
    made = {
        normalise("".join(generator.choice(letters, size)), CodeType.ICD10)
        for size in generator.integers(3, 8, 20_000)
    }
    absent = sorted(made - known)
    assert not icd10.validate(absent).any()
    assert not icd10.validate(["", "I10.", "E11", "E11.9\0", "É11.9", None, "E11.9" * 1000]).any()


@given(st.lists(st.one_of(st.none(), st.text(max_size=10), st.sampled_from(["e11.9", "I10 "]))))
def test_bulk_and_single_validation_agree(icd10: Catalogue, codes: list[str | None]) -> None:
    singly = [code is not None and icd10.is_billable(code) for code in codes]
    assert icd10.validate(codes).tolist() == singly


def test_bulk_validation_takes_arrays_and_refuses_numbers(icd10: Catalogue) -> None:
    codes = ["E11.9", "E11"]
    expected = [True, False]
    assert icd10.validate(np.array(codes)).tolist() == expected
    assert icd10.validate(pa.chunked_array([codes])).tolist() == expected
    assert icd10.validate(pa.array(["I10", *codes])[1:]).tolist() == expected
    with pytest.raises(InputError, match="give strings"):
        icd10.validate([1, 2])  # type: ignore[list-item]


def test_bulk_validation_is_several_times_a_plain_loop(icd10: Catalogue) -> None:
    codes = (icd10.billable_codes() * 14)[:1_000_000]
    known = set(icd10.billable_codes())
    form = re.compile(r"[A-Z][0-9A-Z]{2}(\.[0-9A-Z]{1,4})?")

    def loop() -> list[bool]:
        return [
            form.fullmatch(c := code.strip().upper()) is not None and c in known for code in codes
        ]

    def seconds(work: object) -> float:
        start = time.process_time()
        assert np.all(work())  # type: ignore[operator]
        return time.process_time() - start

    icd10.validate(codes[:10])
    assert min(seconds(lambda: icd10.validate(codes)) for _ in range(3)) * 2 < seconds(loop)


@pytest.mark.parametrize(
    ("given_code", "expected"),
    [
        ("E1.19", "E11.9"),  # the dot in the wrong place
        ("I10.", "I10"),
        ("E19.1", "E11.9"),  # swapped
        ("EI1.9", "E11.9"),  # I for 1
        ("E11.99", "E11.9"),  # one too many
        ("E11", "E11.9"),  # a category
        ("S52.501", "S52.501A"),  # seventh character missing
        ("S52.501X", "S52.501A"),  # seventh character wrong
        ("S52.50A", "S52.501A"),  # laterality missing
        ("G35", "G35.D"),  # retired
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(
    icd10: Catalogue, given_code: str, expected: str
) -> None:
    report = check(icd10, given_code)
    assert not report["ok"]
    assert expected in [suggestion["code"] for suggestion in report["suggestions"]]
    assert all(icd10.is_billable(suggestion["code"]) for suggestion in report["suggestions"])


def test_a_retired_code_was_billable_in_its_time_and_a_new_one_was_not(icd10: Catalogue) -> None:
    before = datetime.date(2024, 1, 1)
    assert check(icd10, "G35", before)["ok"]
    assert not check(icd10, "G35")["ok"]
    assert not check(icd10, "E11.A", before)["ok"]
    between = check(icd10, "E11.A", datetime.date(2026, 1, 1))
    assert between["active"] is None
    assert between["ok"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("htn", "I10"),
        ("hypertention", "I10"),
        ("T2DM", "E11.9"),
        ("copd exacerbation", "J44.1"),
        ("pnuemonia", "J18.9"),
        ("oesophageal reflux", "K21.9"),
        ("concussion without loss of consciousness", "S06.0X0A"),
    ],
)
def test_words_abbreviations_and_typing_errors_find_the_code(
    icd10: Catalogue, query: str, code: str
) -> None:
    assert code in [match.code for match in icd10.search(query, 3)]


def test_short_queries_find_their_code(icd10: Catalogue, repository: Path) -> None:
    with open(repository / "data/codes/short_queries.csv", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["code_type"] == "ICD10"]
    first = [icd10.search(row["query"], 1)[0].code in row["codes"].split("|") for row in rows]
    assert np.mean(first) >= 0.85


def test_search_gives_billable_codes_by_falling_score_and_nothing_for_noise(
    icd10: Catalogue,
) -> None:
    matches = icd10.search("fracture of the right radius", 50)
    assert len(matches) == len({match.code for match in matches}) == 50
    assert [match.score for match in matches] == sorted((m.score for m in matches), reverse=True)
    assert all(icd10.is_billable(match.code) for match in matches)
    assert icd10.search("") == icd10.search("qqqqzzzz") == []


@given(st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=20, unique=True))
def test_near_words_are_those_within_the_edit_distance(words: list[str]) -> None:
    words = sorted(words)
    encoded = np.array([word.encode() for word in words], np.bytes_)
    numbers = np.arange(len(words), dtype=np.int32)
    vocabulary = Vocabulary(encoded, letter_masks(words), numbers, encoded)
    for typed in ("abc", "abcab", "b"):
        near = {words[place]: far for place, far in vocabulary.near(typed, 2)}
        for word in words:
            far = _alignment_distance(typed, word)
            assert near.get(word) == (far if far <= 2 else None)


def _alignment_distance(a: str, b: str) -> int:
    """Optimal string alignment, as its definition reads."""
    table = {(i, 0): i for i in range(len(a) + 1)} | {(0, j): j for j in range(len(b) + 1)}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(
                table[i - 1, j] + 1,
                table[i, j - 1] + 1,
                table[i - 1, j - 1] + (a[i - 1] != b[j - 1]),
            )
            if i > 1 and j > 1 and (a[i - 1], a[i - 2]) == (b[j - 2], b[j - 1]):
                table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[len(a), len(b)]
