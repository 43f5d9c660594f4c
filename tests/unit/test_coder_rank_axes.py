"""Concepts, axes and cues: which code of one disease a narrative means."""

import pytest

from thce.coder.axes import split_description
from thce.coder.concepts import Concept, build_concepts
from thce.coder.cues import axes_likelihood, read_cues
from thce.codes.load import load_catalogue


@pytest.fixture(scope="module")
def concepts() -> list[Concept]:
    return build_concepts(load_catalogue("ICD10"))


def _with_code(concepts: list[Concept], code: str) -> Concept:
    row = load_catalogue("ICD10").row(code)
    return next(one for one in concepts if row in one.rows)


def _chosen(concepts: list[Concept], code: str, narrative: str, near: tuple[int, ...] = ()) -> str:
    """The code that the cues choose within the concept of `code`."""
    concept = _with_code(concepts, code)
    cues = read_cues(narrative)
    likelihoods = [axes_likelihood(cues, axes, concept.axes, near) for axes in concept.axes]
    best = max(range(len(likelihoods)), key=likelihoods.__getitem__)
    return load_catalogue("ICD10").code_at(concept.rows[best])


def test_a_description_is_split_into_core_and_axes() -> None:
    core, axes = split_description(
        "Displaced fracture of left tibial spine, subsequent encounter for open fracture type "
        "IIIA, IIIB, or IIIC with nonunion"
    )
    assert core == "Displaced fracture of tibial spine"
    assert (axes.side, axes.phase, axes.wound, axes.healing) == (
        "left",
        "subsequent",
        "severe",
        "nonunion",
    )


def test_two_sides_in_one_description_are_no_axis() -> None:
    text = "Hemiplegia affecting right side, left dominant"
    assert split_description(text) == (text, split_description("Cholera")[1])


def test_every_billable_code_is_in_exactly_one_concept(concepts: list[Concept]) -> None:
    rows = [row for one in concepts for row in one.rows]
    assert len(rows) == len(set(rows)) == int(load_catalogue("ICD10").current.sum())


def test_sides_of_one_disease_are_one_concept(concepts: list[Concept]) -> None:
    knee = _with_code(concepts, "M17.11")
    codes = {load_catalogue("ICD10").code_at(row) for row in knee.rows}
    assert codes == {"M17.0", "M17.10", "M17.11", "M17.12"}


def test_a_lay_name_of_a_category_reaches_its_codes(concepts: list[Concept]) -> None:
    assert "high blood pressure" in _with_code(concepts, "I10").terms


@pytest.mark.parametrize(
    ("code", "narrative", "chosen"),
    [
        ("M17.11", "Osteoarthritis of the left knee, brace fitted.", "M17.12"),
        ("M17.11", "Osteoarthritis of both knees.", "M17.0"),
        ("M17.11", "Knee osteoarthritis.", "M17.10"),
        ("H40.1111", "Open-angle glaucoma OU, mild.", "H40.1131"),
        ("S52.531A", "Colles fracture of the left wrist today.", "S52.532A"),
        ("S52.531A", "Right Colles fracture with bone showing, seen in the ED.", "S52.531B"),
        (
            "S52.531A",
            "Right Colles fracture, follow-up 6 weeks after, healing well, cast off.",
            "S52.531D",
        ),
        ("S52.531A", "Recheck: right Colles fracture, nonunion on film, follow-up.", "S52.531K"),
        ("S52.531A", "Stiff wrist years after a right Colles fracture, sequela.", "S52.531S"),
        ("Z34.01", "First pregnancy, 30 weeks, doing well.", "Z34.03"),
        ("Z34.01", "First pregnancy, 9 weeks.", "Z34.01"),
    ],
)
def test_cues_choose_within_a_concept(
    concepts: list[Concept], code: str, narrative: str, chosen: str
) -> None:
    assert _chosen(concepts, code, narrative) == chosen


def test_the_side_nearest_to_the_disease_counts(concepts: list[Concept]) -> None:
    text = "Left hip replaced long since, fine, full strength, no pain. New right knee arthritis."
    near = (text.index("knee"), text.index("arthritis"))
    assert _chosen(concepts, "M17.11", text, near) == "M17.11"


def test_likelihoods_of_a_full_concept_add_up_to_one(concepts: list[Concept]) -> None:
    concept = _with_code(concepts, "M25.561")
    cues = read_cues("Pain in the right knee")
    total = sum(axes_likelihood(cues, axes, concept.axes, ()) for axes in concept.axes)
    assert total == pytest.approx(1)
