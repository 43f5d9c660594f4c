"""The test sets: CodiEsp's layout, its ceiling, and official terms that nothing was trained on."""

from pathlib import Path

import pytest

from thce.coder.coded_rows import Coded, RankedCode
from thce.coder.concepts import build_concepts
from thce.coder.evaluate import billable_ceiling
from thce.coder.held_out_terms import is_held_out
from thce.coder.metrics import contributions, figures
from thce.coder.retriever_data import RetrieverPairs
from thce.coder.test_sets import codiesp_narratives, held_out_narratives
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError

ICD10 = CodeType.ICD10


def _split(folder: Path, table: str) -> Path:
    (folder / "text_files_en").mkdir(parents=True)
    (folder / "text_files_en" / "a.txt").write_text("A man with gout.")
    (folder / "devD.tsv").write_text(table)
    return folder


def test_codiesp_codes_are_read_as_they_are(tmp_path: Path) -> None:
    (one,) = codiesp_narratives(_split(tmp_path, "a\tm10.9\na\tn39.0\na\tm10.9\n"))
    assert one.gold == ((ICD10, "M10.9"), (ICD10, "N39.0"))
    assert one.text == "A man with gout."


def test_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="text_files_en"):
        codiesp_narratives(tmp_path)
    with pytest.raises(InputError, match=r"devD\.tsv:1"):
        codiesp_narratives(_split(tmp_path / "x", "a m10.9\n"))


def test_the_ceiling_is_what_all_billable_gold_codes_score(evaluation_data: Path) -> None:
    narratives = codiesp_narratives(evaluation_data / "codiesp" / "dev")
    catalogues = {ICD10: load_catalogue("ICD10")}
    ceiling = billable_ceiling(narratives, catalogues)
    assert len(narratives) == 250
    assert 0.8 < ceiling["ceiling_micro_f1"] < 0.97
    best = [
        Coded(
            one.id,
            tuple(
                RankedCode(ICD10, code, "", 1.0, True)
                for _, code in one.gold or ()
                if catalogues[ICD10].is_billable(code)
            ),
        )
        for one in narratives
    ]
    found = figures(contributions(list(zip(narratives, best, strict=True)), catalogues))
    assert found["micro_f1"].estimate == pytest.approx(ceiling["ceiling_micro_f1"], abs=1e-4)
    assert found["mean_average_precision"].estimate == pytest.approx(
        ceiling["ceiling_map"], abs=1e-4
    )


def test_held_out_terms_are_in_no_concept_and_no_training_pair() -> None:
    tested = {one.text for one in held_out_narratives()}
    assert len(tested) > 500
    catalogue = load_catalogue("ICD10")
    printed = {term for one in build_concepts(catalogue) for term in one.terms[1:]}
    left = {term for one in build_concepts(catalogue, is_held_out) for term in one.terms[1:]}
    assert len(tested & printed) > 300
    assert not tested & left
    pairs = list(RetrieverPairs([ICD10], seed=1).draw(400))
    assert len({number for _, _, number, _ in pairs}) > 100
    assert not tested & {term for _, term, _, _ in pairs}


def test_training_pairs_follow_from_the_seed() -> None:
    drawn = [list(RetrieverPairs([CodeType.CPT], seed).draw(60)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
