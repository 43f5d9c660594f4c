"""Official terms: right codes, wrong answers that are wrong in the way they say, held-out terms."""

import re

import pytest

from thce.coder.code_tree import code_tree
from thce.coder.draw import Draw
from thce.coder.examples import Example
from thce.coder.facets import facets
from thce.coder.held_out_terms import is_held_out, same_term
from thce.coder.official_terms import OfficialTerms
from thce.coder.terms import held_out_terms, training_terms
from thce.coder.tree_reasoning import tree_reasoning
from thce.coder.wrong_codes import wrong_codes
from thce.codes.code_types import CodeType, well_formed
from thce.codes.load import load_catalogue


@pytest.fixture(scope="module")
def source() -> OfficialTerms:
    return OfficialTerms(seed=3)


@pytest.fixture(scope="module")
def sample(source: OfficialTerms) -> list[Example]:
    """Every seventh example of the whole source."""
    return source.examples(range(0, len(source), 7))


def test_every_billable_code_is_described(source: OfficialTerms) -> None:
    told = {(tree.code_type, tree.codes[term.row]) for tree, term in source.terms}
    for code_type in CodeType:
        catalogue = load_catalogue(code_type)
        assert {code for kind, code in told if kind is code_type} == set(catalogue.billable_codes())


def test_every_code_is_billable_and_ids_are_distinct(sample: list[Example]) -> None:
    for code_type in CodeType:
        codes = [one.code for one in sample if one.code_type is code_type]
        assert codes
        assert load_catalogue(code_type).validate(codes).all()
    assert len({one.id for one in sample}) == len(sample)


def test_a_row_depends_on_seed_and_term_alone(source: OfficialTerms) -> None:
    places = [90000, 3, 41234, 3]
    alone = [source.examples([place])[0] for place in places]
    assert source.examples(places) == alone
    assert OfficialTerms(seed=3).examples(places) == alone
    other = OfficialTerms(seed=4).examples(range(200))
    assert [one.rejected for one in other] != [one.rejected for one in source.examples(range(200))]


def test_wrong_answers_are_wrong_as_they_say(sample: list[Example]) -> None:
    seen = set()
    catalogues = {code_type: load_catalogue(code_type) for code_type in CodeType}
    for one in sample:
        rejected = one.rejected
        assert rejected is not None and rejected.code != one.code
        assert rejected.reasoning and all(rejected.reasoning)
        catalogue = catalogues[one.code_type]
        assert catalogue.is_billable(rejected.code) == (rejected.error != "invalid"), one
        seen.add(rejected.error)
        right, wrong = facets(one.description), facets(rejected.description)
        if rejected.error == "laterality":
            assert right.side and wrong.side != right.side
            assert wrong.encounter == right.encounter
        if rejected.error == "encounter":
            assert rejected.code[:7] == one.code[:7] and wrong.encounter != right.encounter
        if rejected.error == "specificity":
            assert "unspecified" in rejected.description.lower()
            assert "unspecified" not in one.description.lower()
        if rejected.error == "sibling" and one.code_type is CodeType.ICD10:
            assert wrong.encounter == right.encounter
    assert seen == {
        "sibling", "family", "laterality", "encounter", "specificity", "invalid", "unsupported",
    }  # fmt: skip


def test_an_invented_code_of_an_incomplete_list_is_no_code_at_all(sample: list[Example]) -> None:
    invented = [
        one.rejected.code
        for one in sample
        if one.code_type is not CodeType.ICD10 and one.rejected and one.rejected.error == "invalid"
    ]
    assert invented
    assert not any(well_formed(code, CodeType.CPT) for code in invented)
    assert not any(well_formed(code, CodeType.HCPCS) for code in invented)


@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        ("S72.001A", "laterality", {"S72.002A", "S72.009A"}),
        ("S72.001A", "encounter", {f"S72.001{last}" for last in "BCDEFGHJKMNPQRS"}),
        ("E11.42", "specificity", {"E11.40"}),
        ("N30.01", "unsupported", {"N30.00"}),
        ("N18.32", "invalid", {"N18.3", "N18"}),
    ],
)
def test_wrong_answers_that_a_coder_knows(code: str, error: str, expected: set[str]) -> None:
    tree = code_tree(CodeType.ICD10)
    draws = [wrong_codes(tree).of_kind(tree.row_of[code], error, Draw(n, code)) for n in range(40)]
    found = {wrong.code for wrong in draws if wrong and tree.row_of.get(wrong.code) is not None}
    assert found and found <= expected


def test_reasoning_walks_down_the_tree() -> None:
    tree = code_tree(CodeType.ICD10)
    steps = tree_reasoning(tree).steps(tree.row_of["S13.4XXA"])
    assert steps == (
        "Chapter 19: injury, poisoning and other external consequences",
        "Block S10-S19: Injuries to the neck",
        "Category S13: Dislocation and sprain of joints and ligaments at neck level",
        "S13.4-: Sprain of ligaments of cervical spine",
        "XX only fills the empty places",
        "Seventh character A: initial encounter",
        "Final: S13.4XXA",
    )
    assert "Fifth character 1: right" not in tree_reasoning(tree).steps(tree.row_of["G56.02"])
    assert any(
        re.match("Fifth character 2: left", step)
        for step in tree_reasoning(tree).steps(tree.row_of["G56.02"])
    )


def test_reasoning_ends_with_the_code_and_steps_are_short(sample: list[Example]) -> None:
    for one in sample:
        assert one.reasoning[-1] == f"Final: {one.code}"
        assert len(one.reasoning) >= 2
        assert all(step and "\n" not in step for step in one.reasoning)


def test_held_out_terms_are_never_emitted(source: OfficialTerms) -> None:
    kept = {same_term(term.text) for term in held_out_terms(CodeType.ICD10)}
    emitted = {same_term(term.text) for _, term in source.terms}
    assert len(kept) > 1000
    assert not kept & emitted
    whiplash = [term for term in held_out_terms(CodeType.ICD10, 1.0) if "Whiplash" in term.text]
    assert {code_tree(CodeType.ICD10).codes[term.row] for term in whiplash} == {
        "S13.4XXA", "S13.4XXD", "S13.4XXS",
    }  # fmt: skip


def test_the_held_out_share_is_as_configured() -> None:
    everything = {t.official for t in training_terms(CodeType.ICD10, 0.0) if t.official}
    for share in (0.05, 0.1, 0.3):
        part = sum(is_held_out(term, share) for term in everything) / len(everything)
        assert abs(part - share) < 0.02
    assert is_held_out("Whiplash  injury!", 0.5) == is_held_out("whiplash injury", 0.5)


def test_scope_keeps_to_the_given_codes() -> None:
    codes = frozenset({(CodeType.ICD10, "I10"), (CodeType.CPT, "99213")})
    examples = OfficialTerms(codes=codes).examples(range(len(OfficialTerms(codes=codes))))
    assert {(one.code_type, one.code) for one in examples} == codes


def test_length_does_not_give_the_wrong_answer_away(sample: list[Example]) -> None:
    longer = [len(one.rejected.reasoning) >= len(one.reasoning) for one in sample if one.rejected]
    assert 0.35 < sum(longer) / len(longer) < 0.75
