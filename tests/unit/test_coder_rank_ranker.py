"""Ranking, baselines and the commands, on the shipped catalogues and without an encoder."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from thce.cli import app
from thce.coder.baselines import KeywordCodes, MajorityCodes, PhraseRules, RandomCodes
from thce.coder.concept_scores import START, ConceptScores, fit_concept_scores
from thce.coder.rank import Answering, Ranker, load_rankers
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.errors import InputError

CPT, ICD10 = CodeType.CPT, CodeType.ICD10
COUGH = "Three days of cough and wheeze. Assessment: acute bronchitis, no antibiotics."


@pytest.fixture(scope="module")
def rankers() -> Mapping[CodeType, Ranker]:
    return load_rankers([ICD10, CPT], retriever=None)


def _codes(ranker: Ranker, text: str, **answering: object) -> list[str]:
    return [one.code for one in ranker.rank(text, Answering(**answering))]  # type: ignore[arg-type]


def test_a_plain_diagnosis_comes_first(rankers: Mapping[CodeType, Ranker]) -> None:
    assert _codes(rankers[ICD10], COUGH)[0] == "J20.9"
    assert _codes(rankers[ICD10], "Left knee osteoarthritis, primary.")[0] == "M17.12"


def test_every_ranked_code_is_billable_and_scores_fall(
    rankers: Mapping[CodeType, Ranker],
) -> None:
    ranked = rankers[ICD10].rank(COUGH, Answering(count=50))
    assert len(ranked) == 50
    assert all(load_catalogue("ICD10").is_billable(one.code) for one in ranked)
    scores = [one.score for one in ranked]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= sum(scores) <= 1 + 1e-6


def test_below_the_confidence_nothing_is_accepted(rankers: Mapping[CodeType, Ranker]) -> None:
    sure = rankers[ICD10].rank(COUGH, Answering(confidence=0.0))
    assert [one.accepted for one in sure] == [True] + [False] * (len(sure) - 1)
    assert not any(one.accepted for one in rankers[ICD10].rank(COUGH, Answering(confidence=1.0)))


def test_several_problems_get_several_codes(rankers: Mapping[CodeType, Ranker]) -> None:
    text = "1. Essential hypertension.\n2. Prediabetes.\n3. Acute bronchitis."
    ranked = rankers[ICD10].rank(text, Answering(several=True, confidence=0.3))
    assert {"I10", "R73.03", "J20.9"} <= {one.code for one in ranked if one.accepted}


def test_text_without_a_known_word_ranks_nothing(rankers: Mapping[CodeType, Ranker]) -> None:
    assert rankers[ICD10].rank("qqq zzz", Answering()) == []


def test_weights_are_fitted_towards_what_tells_the_right_candidate() -> None:
    rng = np.random.default_rng(5)
    narratives = []
    for _ in range(60):
        features = rng.random((6, len(START)))
        narratives.append((features, int(features[:, 2].argmax())))
    fitted = fit_concept_scores(narratives, "a test", vectors=False)
    names = list(START)
    gain = dict(zip(names, fitted.weights - np.array(list(START.values())), strict=True))
    assert gain["vectors_whole"] == max(gain.values())
    assert gain["words_whole"] < 0


def test_weights_of_another_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.yaml"
    path.write_text("weights: {words_whole: 1}\nfitted_on: x\n")
    with pytest.raises(InputError, match="give weights of"):
        ConceptScores.load(False, path)


def test_baselines_know_what_they_are_meant_to_know() -> None:
    catalogue = load_catalogue("ICD10")
    asked = Answering(count=5)
    text = "Known essential hypertension. No acute bronchitis."
    assert PhraseRules(catalogue).rank(text, asked)[0].code == "I10"
    assert "J20.9" not in [one.code for one in PhraseRules(catalogue).rank(text, asked)]
    assert KeywordCodes(catalogue).rank("cholera unspecified", asked)[0].code == "A00.9"
    majority = MajorityCodes(catalogue, ["I10", "E11.9", "I10"])
    assert [one.code for one in majority.rank("anything", asked)] == ["I10", "E11.9"]
    drawn = RandomCodes(catalogue)
    assert drawn.rank("a", asked) == drawn.rank("a", asked)
    assert drawn.rank("a", asked) != drawn.rank("b", asked)
    assert sum(one.accepted for one in drawn.rank("a", asked)) == 1


def test_tfidf_finds_an_official_term() -> None:
    from thce.coder.baseline_tfidf import TfidfCodes

    system = TfidfCodes(load_catalogue("CPT"))
    description = load_catalogue("CPT").get("99213")
    assert description is not None
    best = system.rank(description.description, Answering())[0]
    assert (best.code, best.accepted) == ("99213", True)
    assert best.score == pytest.approx(1, abs=1e-3)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    lines = [
        {"id": "a", "narrative": COUGH, "code_type": "ICD10", "code": "J20.9"},
        {"id": "b", "text": "Prediabetes.", "codes": [{"type": "ICD10", "code": "r7303"}]},
        {"id": "c", "text": "Chest x-ray, two views.", "code_type": "CPT", "code": "71046"},
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_predict_evaluate_and_compare(rows: Path, tmp_path: Path) -> None:
    runner, ours, random = CliRunner(), str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")
    for output, system in ((ours, "ranker"), (random, "random")):
        command = ["coder", "predict", "--input", str(rows), "--output", output]
        done = runner.invoke(app, [*command, "--system", system, "--json"])
        assert done.exit_code == 0, done.output
    first = json.loads(Path(ours).read_text().splitlines()[0])
    assert first["id"] == "a"
    assert set(first["codes"][0]) == {"type", "code", "description", "score", "accepted"}
    report = str(tmp_path / "r.html")
    command = ["coder", "evaluate", "--input", str(rows), "--predictions", ours, "--json"]
    done = runner.invoke(app, [*command, "--report", report])
    found = json.loads(done.output)
    assert found["rows"] == 3
    assert found["valid"]["estimate"] == 1
    assert found["by_code_type"]["ICD10"]["top_1"]["estimate"] == 1
    assert found["ceiling_micro_f1"] == 1
    assert "J20.9" not in Path(report).read_text()
    assert "Coder evaluation" in Path(report).read_text()
    command = ["coder", "compare", ours, random, "--input", str(rows), "--json"]
    done = runner.invoke(app, [*command, "--report", report])
    assert json.loads(done.output)["mcnemar"][1]["only_b"] == 0
    assert "McNemar" in Path(report).read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a"}', "no text"),
        ('{"text": "x", "code_type": "LOINC"}', "not a code type"),
        ('{"text": "x", "code": "I10"}', "code_type"),
        ('{"text": "x", "codes": ["I10"]}', "type and code"),
        ("", "holds no row"),
        ('{"id": 1, "text": "x"}\n{"id": 1, "text": "y"}', "comes twice"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    command = ["coder", "predict", "--input", str(path), "--output", str(tmp_path / "o.jsonl")]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError)
    assert said in str(done.exception)
    assert str(path) in str(done.exception)


def test_a_row_without_answer_is_named(rows: Path, tmp_path: Path) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text('{"id": "a", "codes": []}\n')
    command = ["coder", "evaluate", "--input", str(rows), "--predictions", str(answers)]
    done = CliRunner().invoke(app, command)
    assert "has no answer for id b" in str(done.exception)
