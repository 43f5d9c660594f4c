import json
import re
import time
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thce.notes.deidentify import find
from thce.notes.normalize import normalize
from thce.notes.prepare import prepare, prepare_table
from thce.notes.rows import Note, to_table

_PIECES = st.sampled_from(
    """Dr.|Dr. X.|Smith|Patient:|MRN|FAKE-001| |, |.,|\n|12/12/2091|3/4|on |555-0143|MD|Hospital|St.
    |Mercy|[NAME]|[DATE 2091]|May|5|  |\t|92|-year-old|John|ZIP|44999|, OH|#|-|/|PROCEDURE:|: ,|1.
    |\u00a0|e\u0301|\u0130|dr. |pt: |doe, jane|RN|@|x.org|http://|1.2.3.4|::|Nurse|and|Box 12|Lane
    |Oak|SSN|900|2091-02-03|(|)|'s|\x1f|\x00|\ud800""".replace("\n    |", "|").split("|")
)  # fmt: skip
_NOTES = st.lists(st.one_of(_PIECES, st.text(max_size=4)), max_size=25).map(" ".join)

# Words that decide a flag: each must survive wherever a shipped note has it.
_PROCEDURES = re.compile(
    r"\b(?:bronchoscop\w*|EBUS|BAL|lavage|brush\w*|wash\w*|TBNA|needle|forceps|biops\w*|cryo\w*"
    r"|stent\w*|valve\w*|talc|pleur\w*|thorac\w*|catheter\w*|chest tube|tPA|DNase|dilat\w*|balloon"
    r"|laser|cauter\w*|argon|APC|navigat\w*|robot\w*|radial|rigid|aspirat\w*|suction\w*|ablat\w*"
    r"|thermoplasty|foreign body|lobe|carina|station|node\w*|RUL|RML|RLL|LUL|LLL|lingula)\b",
    re.IGNORECASE,
)
_MEASURES = re.compile(
    r"\b\d+(?:\.\d+)? ?(?:mL|cc|mm|cm|mg|mcg|Fr|French|[Gg]auge|G|L|min|W|units)\b"
)


@settings(max_examples=150, deadline=None)
@given(_NOTES)
def test_a_prepared_note_is_prepared(note: str) -> None:
    prepared = prepare(note).text
    again = prepare(prepared)
    assert again.text == prepared
    assert not again.counts


def test_shipped_notes_are_fixed_points_and_lose_no_clinical_word(registry_data: Path) -> None:
    paths = sorted(registry_data.glob("*.jsonl"))
    assert paths
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            text = prepare(row["text"]).text
            assert prepare(text).text == text
            raw = normalize(row["text"])
            # A record number may spell anything: BAL-U02 is one.
            replaced = [raw[s.start : s.end] for s in find(raw) if s.kind != "id"]
            for pattern in (_PROCEDURES, _MEASURES):
                assert not pattern.findall(" / ".join(replaced)), row["id"]


@pytest.mark.parametrize(
    "repeated",
    ["a", "1", "A ", "Dr. ", "dr. smith ", "1/", "A.", "a@", "Aa Bb ", "MRN ", ":", "\n-",
     "12 Oak ", "Jan 1 ", "(555) ", "A-1-", "a1:", " , ", "[", "Mr. B. Cdef, MD "],
)  # fmt: skip
def test_time_grows_with_the_length_and_not_its_square(repeated: str) -> None:
    # 60,000 characters take some 0.2 s where time is linear, minutes where it is not.
    started = time.process_time()
    prepare(repeated * (60_000 // len(repeated)))
    assert time.process_time() - started < 5


def test_prepares_a_table() -> None:
    notes = [
        Note("a", "Dr. Ray saw 4R.", ["31652"], None, ["x"], None),
        Note("b", "BAL on 03/14/2091", [], '{"bal": true}', None, []),
    ]
    table, counts = prepare_table(to_table(notes))
    assert table.column("text").to_pylist() == ["Dr. [NAME] saw 4R.", "BAL on [DATE 2091]"]
    assert counts == {"name": 1, "date": 1}
    assert table.column_names == [
        "encounter_id", "text", "cpt_codes", "structured", "accept", "uncertain",
    ]  # fmt: skip
    assert table.drop_columns("text").equals(to_table(notes).drop_columns("note_text"))


def test_prepares_an_empty_table() -> None:
    table, counts = prepare_table(to_table([]))
    assert table.num_rows == 0
    assert table.schema.field("text").type == pa.string()
    assert not counts
