"""One tag a word, and what it cannot say, counted."""

from thce.ner.documents import Document, Entity
from thce.ner.projection import project

TEXT = "Severe left and right knee pain, 12mg."
#       0      7    12  16    22   27   31 33


def outcomes(*mentions: tuple[str, tuple[tuple[int, int], ...]]) -> tuple[list[str], dict]:
    entities = tuple(Entity(f"T{n}", name, spans, "") for n, (name, spans) in enumerate(mentions))
    projected = project(Document("d", TEXT, entities))
    assert len(projected.tags) == len(projected.words) == 9
    return list(projected.tags), projected.outcomes


def test_neighbours_of_one_type_stay_two_mentions() -> None:
    tags, found = outcomes(("Color", ((0, 6),)), ("Color", ((7, 11),)))
    assert tags[:3] == ["B-Color", "B-Color", "O"]
    assert found == {"exact": 2}


def test_the_longer_of_two_that_overlap_is_kept() -> None:
    tags, found = outcomes(("Age", ((22, 26),)), ("Sex", ((16, 31),)))
    assert tags[3:6] == ["B-Sex", "I-Sex", "I-Sex"]
    assert found == {"hidden": 1, "exact": 1}


def test_of_two_on_one_place_the_first_is_kept() -> None:
    tags, found = outcomes(("Age", ((22, 26),)), ("Sex", ((22, 26),)))
    assert tags[4] == "B-Age"
    assert found == {"exact": 1, "hidden": 1}


def test_fragments_become_mentions_of_their_own() -> None:
    tags, found = outcomes(("Structure", ((7, 11), (22, 26))))
    assert tags == ["O", "B-Structure", "O", "O", "B-Structure", "O", "O", "O", "O"]
    assert found == {"fragmented": 1}


def test_an_end_inside_a_word_takes_the_whole_word() -> None:
    tags, found = outcomes(("Dosage", ((33, 35),)), ("Age", ((6, 12),)))
    assert tags[7] == "B-Dosage"
    assert tags[1] == "B-Age"  # off by one on both sides, over blanks
    assert found == {"widened": 2}


def test_a_mention_of_blanks_is_lost_and_counted() -> None:
    _, found = outcomes(("Age", ((6, 7),)))
    assert found == {"wordless": 1}
