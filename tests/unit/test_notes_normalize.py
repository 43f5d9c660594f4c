import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.notes.normalize import normalize


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("12\u00a0Fr\u2009tube", "12 Fr tube"),
        ("zero\u200bwidth and\ufeff mark", "zerowidth and mark"),
        ("bell\x07 and nul\x00", "bell and nul"),
        ("cafe\u0301", "café"),
        ("the patient\u2019s \u201cstent\u201d 5\u201310 mm", 'the patient\'s "stent" 5-10 mm'),
        ("half \ud800 pair", "half \ufffd pair"),
        ("two  blanks", "two blanks"),
        ("Pt: X        MRN 1", "Pt: X   MRN 1"),
        ("Pt: X\tMRN 1", "Pt: X   MRN 1"),
        ("a  \n   b\n\n\n\nc", "a\nb\n\nc"),
        ("  edges \n", "edges"),
        ("", ""),
    ],
)
def test_makes_plain(raw: str, plain: str) -> None:
    assert normalize(raw) == plain


def test_commas_of_a_transcription_export_are_line_breaks() -> None:
    raw = (
        "PREOPERATIVE DIAGNOSES:,1.  Effusion.,2.  Cough,PROCEDURE:  ,Thoracentesis.,"
        "ANESTHESIA: , Lidocaine 1%, 10 mL.,SURGEON: ,COMPLICATIONS:, None."
    )
    assert normalize(raw) == (
        "PREOPERATIVE DIAGNOSES:\n1. Effusion.\n2. Cough\nPROCEDURE: Thoracentesis.\n"
        "ANESTHESIA: Lidocaine 1%, 10 mL.\nSURGEON:\nCOMPLICATIONS: None."
    )


@pytest.mark.parametrize(
    "text",
    [
        "stations 4R, 7 and 11L; 1,150 mL; CBC, BMP",
        "stations 4R,7,11L were sampled",
        "J. Doe, M.D., F.C.C.P., was present, e.g., at 7 a.m., as usual.",
        "1. Forceps x 4, brush x 2.\n2. BAL, 60 mL.",
    ],
)
def test_commas_that_a_person_typed_stay(text: str) -> None:
    assert normalize(text) == text


_PIECES = st.sampled_from(
    [",", ":", ".", " ", "  ", "   ", "\n", "\t", "1. ", "A", "ABC:", "a", ")", "]", ";", "e.g.",
     "\u00a0", "\x00", "\x1f", "e\u0301", "9", "-", "%", "\u200b", "\x0b"]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(_PIECES, max_size=16).map("".join)))
def test_a_plain_note_is_plain(text: str) -> None:
    plain = normalize(text)
    assert normalize(plain) == plain
    assert unicodedata.is_normalized("NFC", plain)
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in plain if c != "\n")


@given(st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters=" \n\t\r")))
def test_words_are_never_changed(text: str) -> None:
    assert normalize(text).split() == text.split()
