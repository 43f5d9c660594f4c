"""The lexicon: its notation, its one-pass scan, and its consistency with the rules."""

import re

from hypothesis import given
from hypothesis import strategies as st

from thce.registry.context import Assertion
from thce.registry.labels import FLAGS
from thce.registry.lexicon import expand, load_lexicon, normalise, scan

LEXICON = load_lexicon()
DEFINED = (
    set(LEXICON.phrases)
    | {sequence.name for sequence in LEXICON.sequences}
    | {name for _, _, classes in LEXICON.automaton.values() for name in classes}
)
"""Every class that a text can be found to have, unions and sequences too."""


def test_notation() -> None:
    assert list(expand("chest {,wall }tube{,s}")) == [
        "chest tube",
        "chest tubes",
        "chest wall tube",
        "chest wall tubes",
    ]
    assert list(expand("{9..11}f")) == ["9f", "10f", "11f"]
    assert list(expand("bronchosc*")) == ["bronchosc*"]


def test_punctuation_case_and_space_do_not_matter() -> None:
    for text in (
        "endobronchial ultrasound",
        "ENDOBRONCHIAL-ULTRASOUND",
        "Endobronchial\n  ultrasound",
    ):
        hits = [hit for hit in scan(text, LEXICON) if "ebus" in hit.classes]
        assert [(hit.start, hit.end) for hit in hits] == [(0, len(text))]


def test_words_are_found_whole() -> None:
    assert not [hit for hit in scan("balance and stentorian", LEXICON) if "bal" in hit.classes]
    found = [hit for hit in scan("bronchoscopically", LEXICON) if "bronchoscopy" in hit.classes]
    assert found


def test_offsets_survive_characters_of_any_alphabet() -> None:
    text = "Ünïcode µg — ✓ İstanbul: BAL"
    (hit,) = [hit for hit in scan(text, LEXICON) if "bal" in hit.classes]
    assert text[hit.start : hit.end] == "BAL"


@given(st.text(max_size=80))
def test_every_hit_lies_in_the_text(text: str) -> None:
    normal, offsets = normalise(text)
    assert len(normal) == len(offsets)
    for hit in scan(text, LEXICON):
        assert 0 <= hit.start < hit.end <= len(text)


@given(st.lists(st.sampled_from(sorted(LEXICON.phrases["bal"])), min_size=1, max_size=4))
def test_scan_finds_what_a_regular_expression_finds(phrases: list[str]) -> None:
    text = " xx ".join(phrases)
    expected = set()
    for phrase in LEXICON.phrases["bal"]:
        expected |= {m.span() for m in re.finditer(rf"\b{re.escape(phrase)}\b", text)}
    assert {(h.start, h.end) for h in scan(text, LEXICON) if "bal" in h.classes} == expected


def test_rules_cover_every_flag_and_use_defined_classes() -> None:
    for rule in LEXICON.rules:
        used = {rule.head} | rule.near | rule.excluded | rule.excluded_near
        used |= rule.excluded_scene | rule.excluded_title
        used |= {name for group in (*rule.together, *rule.scene) for name in group}
        assert used <= DEFINED, (rule.flag, used - DEFINED)
        assert rule.strength in {"act", "name", "clue"}
    assert {rule.flag for rule in LEXICON.rules} == set(FLAGS)


def test_sequences_and_covers_use_defined_classes() -> None:
    known = DEFINED | {"*"}
    for sequence in LEXICON.sequences:
        assert {sequence.first, sequence.then} <= known
    for outer, inner in LEXICON.subsumes.items():
        assert {outer} | inner <= known, (outer, inner - known)


def test_overruled_scenes_and_what_overrules_them_are_defined_and_needed() -> None:
    scenes = {name for rule in LEXICON.rules for group in rule.scene for name in group}
    for scene, by, unless in LEXICON.overrules:
        assert scene in scenes, "no rule asks for it"
        assert by and by | unless <= DEFINED, (scene, (by | unless) - DEFINED)


def test_cues_name_assertions() -> None:
    assert {cue.assertion for cue in LEXICON.cues.values()} <= {a.value for a in Assertion}
    assert all(cue.before or cue.after for cue in LEXICON.cues.values())
