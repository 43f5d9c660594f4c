"""Whole notes, fictional and written for this test: the flags found are those performed.

They set one trap each or more: what was planned, consented to, aborted, done before, elsewhere or
by others, corrected in an addendum, ticked or left open in a template, listed under specimens,
converted, told in telegraphic shorthand, or described without being named.
"""

from pathlib import Path

import pytest

from thce.files import read_jsonl
from thce.registry.keywords import keyword_signal
from thce.registry.labels import names_from_cells

NOTES = read_jsonl(Path(__file__).with_name("registry_whole_notes.jsonl"))


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note["text"][:50])
def test_flags_of_a_whole_note(note: dict) -> None:
    found = names_from_cells(keyword_signal(note["text"]).cells)
    assert sorted(found) == sorted(note["accept"])
