"""Synthetic narratives: the same for the same seed, varied, and true to side and encounter."""

import re
from collections import Counter

import pytest

from thce.coder.draw import Draw
from thce.coder.encounter_words import SIDES, encounter_words
from thce.coder.examples import Example
from thce.coder.facets import facets
from thce.coder.findings import findings_of
from thce.coder.held_out_terms import same_term
from thce.coder.note_frames import negated, patient, vitals
from thce.coder.synthesize import SyntheticNarratives, dress
from thce.coder.terms import held_out_terms
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue

TERM = "Fracture of right radius, subsequent encounter for closed fracture with nonunion"


@pytest.fixture(scope="module")
def source() -> SyntheticNarratives:
    return SyntheticNarratives(seed=5)


@pytest.fixture(scope="module")
def sample(source: SyntheticNarratives) -> list[Example]:
    return source.examples(range(0, len(source), 293))


def test_a_narrative_depends_on_seed_and_place_alone(source: SyntheticNarratives) -> None:
    places = [700_000, 12, 345_678]
    assert source.examples(places) == [source.examples([place])[0] for place in places]
    assert SyntheticNarratives(seed=5).examples(places) == source.examples(places)
    assert SyntheticNarratives(seed=6).examples(places) != source.examples(places)


def test_narratives_of_one_term_differ(source: SyntheticNarratives) -> None:
    terms = len(source) // source.variants
    said = [source.examples([5000 + terms * n])[0] for n in range(source.variants)]
    assert len({one.code for one in said}) == 1
    assert len({one.narrative for one in said}) >= source.variants - 1


def test_codes_are_billable_and_rows_complete(sample: list[Example]) -> None:
    for code_type in CodeType:
        codes = [one.code for one in sample if one.code_type is code_type]
        assert load_catalogue(code_type).validate(codes).all()
    for one in sample:
        assert one.source == "synthetic" and one.reasoning and one.rejected
        assert one.narrative.strip() and "{" not in one.narrative and "  " not in one.narrative
        assert "initial encounter" not in one.narrative
        assert "subsequent encounter" not in one.narrative


def test_the_side_is_told_and_the_other_side_is_not(sample: list[Example]) -> None:
    ways = {side: {word.lower() for word in words} for side, words in SIDES.items()}
    ways["right"] |= {"rt", "rue", "rle", "rlq", "ruq", "od", "right"}
    ways["left"] |= {"lt", "lue", "lle", "llq", "luq", "os", "left"}
    checked = 0
    for one in sample:
        side = facets(one.description).side
        if side not in ("right", "left"):
            continue
        checked += 1
        words = set(re.findall(r"[a-z]+", one.narrative.lower()))
        assert words & ways[side], one.narrative
    assert checked > 200


def test_the_encounter_is_told_in_clinical_words() -> None:
    dressed = [dress(TERM, Draw(1, str(n))) for n in range(60)]
    assert {one.encounter for one in dressed} == {
        "no bridging at 7 months, nonunion",
        "ends have not joined after half a year",
    }
    assert len({one.said for one in dressed}) > 4
    told = {
        encounter: encounter_words(encounter, Draw(0, encounter))
        for encounter in (
            "initial encounter",
            "subsequent encounter",
            "sequela",
            "initial encounter for open fracture type IIIA, IIIB, or IIIC",
            "subsequent encounter for open fracture type I or II with malunion",
        )
    }
    assert len(set(told.values())) == len(told)
    assert all("encounter" not in said for said in told.values())


def test_patients_fit_their_codes() -> None:
    for number in range(200):
        draw = Draw(2, str(number))
        mother = patient("Gestational diabetes mellitus in pregnancy", "O", draw)
        assert not re.search(r"\bM\b|male\b(?<!female)|\bman\b|\dM\b|\bboy\b", mother), mother
        ages = [int(age) for age in re.findall(r"\d+", mother)]
        assert all(17 <= age <= 44 for age in ages)
        prostate = patient("Benign prostatic hyperplasia", "N", draw)
        assert not re.search(r"female|woman|girl|\dF\b|\bF\b", prostate), prostate


def test_held_out_terms_are_never_dressed(source: SyntheticNarratives) -> None:
    kept = {same_term(term.text) for term in held_out_terms(CodeType.ICD10)}
    assert not kept & {same_term(term.text) for _, term in source.official.terms}


def test_styles_vary(sample: list[Example]) -> None:
    starts = Counter(one.narrative.split()[0] for one in sample)
    assert starts.most_common(1)[0][1] < len(sample) / 8
    lengths = [len(one.narrative.split()) for one in sample]
    assert min(lengths) <= 6 and max(lengths) >= 25


def test_nothing_is_denied_that_is_told() -> None:
    for told, category in (
        ("febrile, productive cough, crackles", "J"),
        ("headache for days, light hurts", "G"),
        ("fever and a rash on the trunk", "B"),
    ):
        denied = {negated(category, told, Draw(3, str(n))) for n in range(300)}
        joined = ", ".join(denied)
        assert "afebrile" not in joined or "fever" not in told
        for word in ("headache", "rash"):
            assert word not in told or word not in joined
        assert not any("afebrile" in vitals(told, Draw(4, str(n))) for n in range(50)) or (
            "feb" not in told and "fever" not in told
        )


def test_every_finding_belongs_to_a_billable_code() -> None:
    codes = load_catalogue(CodeType.ICD10).billable_codes()
    found = {code for code in codes if findings_of(code)}
    assert len(found) > 6000
    assert findings_of("I50.23")[0] == "EF 25 percent"
    assert findings_of("S62.001A") == ()
