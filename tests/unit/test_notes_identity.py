import hashlib

from hypothesis import given
from hypothesis import strategies as st

from thce.notes.identity import encounter_id

_TEXT = st.text(st.characters(exclude_categories=("Cs",)))


def test_is_the_start_of_the_sha256_of_the_stripped_text() -> None:
    expected = hashlib.sha256("Bronchoscopy. é".encode()).hexdigest()[:16]
    assert encounter_id("  Bronchoscopy. é\n") == expected


@given(_TEXT, st.sampled_from(["", " ", "\n", "\r\n", "\t "]))
def test_blank_edges_do_not_change_it(text: str, edge: str) -> None:
    assert encounter_id(edge + text + edge) == encounter_id(text)
