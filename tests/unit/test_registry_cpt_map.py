"""The map of codes: what each implies, what it leaves open, and the traps seen elsewhere."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thce.registry.cpt_map import cpt_signal, load_cpt_map, normalise_code
from thce.registry.labels import FLAGS, TRUE, Flag, names_from_cells

BRONCHOSCOPY = Flag.DIAGNOSTIC_BRONCHOSCOPY


@pytest.mark.parametrize(
    ("code", "flags"),
    [
        ("31622", [BRONCHOSCOPY]),
        ("31623", [BRONCHOSCOPY, Flag.BRUSHINGS]),
        ("31624", [BRONCHOSCOPY, Flag.BAL]),
        ("31625", [BRONCHOSCOPY, Flag.ENDOBRONCHIAL_BIOPSY]),
        ("31627", [BRONCHOSCOPY, Flag.NAVIGATIONAL_BRONCHOSCOPY]),
        ("31629", [BRONCHOSCOPY, Flag.TBNA_CONVENTIONAL]),
        ("31630", [BRONCHOSCOPY, Flag.AIRWAY_DILATION]),
        ("31635", [BRONCHOSCOPY, Flag.FOREIGN_BODY_REMOVAL]),
        ("31638", [BRONCHOSCOPY, Flag.AIRWAY_STENT]),
        ("31645", [BRONCHOSCOPY, Flag.THERAPEUTIC_ASPIRATION]),
        ("31647", [BRONCHOSCOPY, Flag.BLVR]),
        ("31653", [BRONCHOSCOPY, Flag.LINEAR_EBUS]),
        ("31654", [BRONCHOSCOPY, Flag.RADIAL_EBUS]),
        ("31660", [BRONCHOSCOPY, Flag.BRONCHIAL_THERMOPLASTY]),
        ("C9751", [BRONCHOSCOPY, Flag.PERIPHERAL_ABLATION]),
        ("32997", [Flag.WHOLE_LUNG_LAVAGE]),
        ("32555", [Flag.THORACENTESIS]),
        ("32557", [Flag.CHEST_TUBE]),
        ("32550", [Flag.IPC]),
        ("32609", [Flag.MEDICAL_THORACOSCOPY, Flag.PLEURAL_BIOPSY]),
        ("32650", [Flag.MEDICAL_THORACOSCOPY, Flag.PLEURODESIS]),
        ("32098", [Flag.PLEURAL_BIOPSY]),
    ],
)
def test_what_a_code_implies(code: str, flags: list[Flag]) -> None:
    assert names_from_cells(cpt_signal([code]).cells) == [
        flag.value for flag in FLAGS if flag in flags
    ]


@pytest.mark.parametrize("code", ["31600", "31601"])
def test_tracheostomies_are_no_rigid_bronchoscopy(code: str) -> None:
    signal = cpt_signal([code])
    assert names_from_cells(signal.cells) == []
    assert signal.unknown_codes == ()


def test_31651_is_one_more_valve_lobe_and_no_ebus() -> None:
    assert names_from_cells(cpt_signal(["31651"]).cells) == [BRONCHOSCOPY, Flag.BLVR]


def test_31634_is_balloon_occlusion_and_no_dilation() -> None:
    assert names_from_cells(cpt_signal(["31634"]).cells) == [BRONCHOSCOPY]


def test_32560_is_pleurodesis_while_32561_and_32562_are_fibrinolysis() -> None:
    assert names_from_cells(cpt_signal(["32560"]).cells) == [Flag.PLEURODESIS]
    for code in ("32561", "32562"):
        assert names_from_cells(cpt_signal([code]).cells) == [Flag.FIBRINOLYTIC_THERAPY]


def test_31631_is_a_tracheal_stent() -> None:
    assert Flag.AIRWAY_STENT in names_from_cells(cpt_signal(["31631"]).cells)


def test_32552_says_nothing_of_a_placement() -> None:
    assert names_from_cells(cpt_signal(["32552"]).cells) == []


@pytest.mark.parametrize("code", ["31628", "31632", "31641"])
def test_an_either_or_code_sets_none_of_its_branches(code: str) -> None:
    signal = cpt_signal([code])
    assert names_from_cells(signal.cells) == [BRONCHOSCOPY]
    assert len(signal.disjunctions[code].flags) == 2


def test_wash_cryobiopsy_and_rigid_have_no_code_of_their_own() -> None:
    reachable = load_cpt_map().reachable
    silent = [flag for flag in FLAGS if not reachable[flag.position]]
    either = {flag for one in load_cpt_map().either.values() for flag in one.flags}
    assert {Flag.BRONCHIAL_WASH, Flag.RIGID_BRONCHOSCOPY} == set(silent) - either
    assert Flag.TRANSBRONCHIAL_CRYOBIOPSY in silent


@pytest.mark.parametrize(
    "written", ["31624", " 31624 ", "31624-59", "31624.26", "31624 RT", "31624-XS"]
)
def test_modifiers_and_blanks_do_not_matter(written: str) -> None:
    assert normalise_code(written) == "31624"
    assert normalise_code("c9751") == "C9751"


def test_unknown_codes_are_listed_and_say_nothing() -> None:
    signal = cpt_signal(["99232", "31622", "99232", ""])
    assert signal.unknown_codes == ("99232",)
    assert names_from_cells(signal.cells) == [BRONCHOSCOPY]


@given(st.lists(st.sampled_from(sorted(load_cpt_map().known)), max_size=5))
def test_codes_add_up_in_any_order(codes: list[str]) -> None:
    whole = cpt_signal(codes).cells
    for order in itertools.islice(itertools.permutations(codes), 6):
        assert (cpt_signal(order).cells == whole).all()
    alone = [cpt_signal([code]).cells == TRUE for code in codes]
    assert ((whole == TRUE) == (sum(alone) > 0 if alone else whole == TRUE)).all()
