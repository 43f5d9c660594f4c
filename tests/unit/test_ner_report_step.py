"""The report and compare steps on a small trained bundle and the shipped corpus."""

import json
import shutil
from pathlib import Path

import pytest
from small_ner import CORPUS, exported
from typer.testing import CliRunner

from thce.errors import InputError
from thce.files import read_json
from thce.ner.cli import app
from thce.ner.compare import CompareConfig
from thce.ner.compare import run as compare
from thce.ner.corpus import read_corpus
from thce.ner.evaluate import EvaluateConfig
from thce.ner.evaluate import run as evaluate
from thce.ner.judged import judge_fold
from thce.ner.predictor import Predictor
from thce.ner.report import ReportConfig
from thce.ner.report import run as report


@pytest.fixture(scope="module")
def bundle() -> str:
    return str(exported().bundle)


@pytest.fixture(scope="module")
def unseen(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Documents under names that training did not know."""
    folder = tmp_path_factory.mktemp("unseen")
    for path in sorted(CORPUS.glob("case-0[1-4].*")):
        shutil.copyfile(path, folder / f"new-{path.name}")
    return str(folder)


def test_the_report_says_what_evaluate_says(bundle: str, tmp_path: Path) -> None:
    output = tmp_path / "report.html"
    found = report(
        ReportConfig(model=bundle, input=str(CORPUS), output=str(output), fictional=True)
    )
    scored = evaluate(EvaluateConfig(model=bundle, input=str(CORPUS), split="test"))
    for name in ("micro_f1", "precision", "recall"):
        assert found["strict"][name] == pytest.approx(scored["strict"][name])
        assert found["original_spans"][name] == pytest.approx(scored["original_spans"][name])
    for name, row in scored["types"].items():
        assert found["types"][name]["trained_on"] == row["train_mentions"]
    page = output.read_text()
    assert found["summary"][0] in page
    assert "The notes are fictional" in page
    assert found["models"][0] in page
    text = read_corpus(str(CORPUS)).documents[0].text
    assert not any(sentence in page for sentence in text.split(". ") if len(sentence) > 30)


def test_what_a_bundle_says_is_what_is_analysed(bundle: str) -> None:
    documents = read_corpus(str(CORPUS)).documents
    predictor = Predictor.open(bundle)
    fold = judge_fold(predictor, documents)
    assignment = read_json(predictor.bundle.path("splits.json"))["assignment"]
    tests = {name for name, split in assignment.items() if split == "test"}
    assert {one.id for one in fold.test.documents} == tests
    assert set(fold.test.tokens.document) == tests
    answers = predictor.predict(
        [one.id for one in fold.test.documents], [one.text for one in fold.test.documents]
    )
    assert fold.test.predictions == [one for answer in answers for one in answer.mentions]


def test_documents_that_training_never_saw_can_be_judged_on(bundle: str, unseen: str) -> None:
    found = report(ReportConfig(model=bundle, input=str(CORPUS), test_input=unseen))
    assert found["documents"] == 4
    assert {one["document"] for one in found["decisions"]} == {
        f"new-case-0{number}" for number in range(1, 5)
    }
    with pytest.raises(InputError, match="was in training or validation"):
        report(ReportConfig(model=bundle, input=str(CORPUS), test_input=str(CORPUS)))


def test_json_holds_every_figure_and_no_text(bundle: str, unseen: str) -> None:
    arguments = ["report", "--model", bundle, "--input", str(CORPUS), "--test-input", unseen]
    shown = CliRunner().invoke(app, [*arguments, "--json", "-s", "analysis.show_text=true"])
    assert shown.exit_code == 0, shown.output
    found = json.loads(shown.stdout)
    assert len(found["thresholds"]) == 10
    assert len(found["examples"]) == 30
    for document in read_corpus(unseen).documents:
        for sentence in document.text.split(". "):
            assert len(sentence) < 30 or sentence not in shown.output
    said = CliRunner().invoke(app, arguments)
    assert said.stdout.startswith("On 4 test documents")


def test_what_is_wrong_is_said_in_one_line(bundle: str, unseen: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"not a local \.html file"):
        report(ReportConfig(model=bundle, input=str(CORPUS), output=str(tmp_path / "report")))
    with pytest.raises(InputError, match="no document of the val split"):
        report(ReportConfig(model=bundle, input=unseen))
    with pytest.raises(InputError, match="model: none given"):
        report(ReportConfig(model=[], input=str(CORPUS)))
    with pytest.raises(InputError, match="is a test document of two models"):
        report(ReportConfig(model=[bundle, bundle], input=str(CORPUS)))
    with pytest.raises(InputError, match="names: give each model one name"):
        compare(CompareConfig(models=[bundle, bundle], names=["a", "a"], input=str(CORPUS)))
    with pytest.raises(InputError, match="no document is in the test split of all"):
        compare(CompareConfig(models=[bundle, bundle], input=unseen))


def test_a_model_against_itself_is_no_difference_and_costs_are_measured(
    bundle: str, tmp_path: Path
) -> None:
    output = tmp_path / "compare.html"
    found = compare(
        CompareConfig(
            models=[bundle, bundle],
            input=str(CORPUS),
            output=str(output),
            timed_documents=2,
            rounds=1,
        )
    )
    first, second = found["models"].values()
    for one in (first, second):
        assert one["cost"]["milliseconds"] > 0
        assert 20 < one["cost"]["memory_mib"] < 4000
        assert one["cost"]["training_seconds"] > 0
        assert one["cost"]["disk_mib"] > 0
    assert first["micro_f1"] == second["micro_f1"]
    for pair in found["comparisons"]:
        assert pair["difference"]["low"] == pair["difference"]["high"] == 0
        assert pair["p_value"] == 1
    assert all(paragraph in output.read_text() for paragraph in found["summary"][:1])
