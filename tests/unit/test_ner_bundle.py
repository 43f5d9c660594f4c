"""A bundle of kind ner: exported from a training, it answers and is scored."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_ner import CORPUS, exported, train_small

from thce.bundles.load import open_bundle
from thce.errors import InputError
from thce.ner.brat import read_folder
from thce.ner.contest import contest
from thce.ner.corpus import read_corpus
from thce.ner.evaluate import EvaluateConfig
from thce.ner.evaluate import run as evaluate
from thce.ner.export import ExportConfig
from thce.ner.export import run as export
from thce.ner.predict import PredictConfig
from thce.ner.predict import run as predict
from thce.ner.prediction_files import read_predictions
from thce.ner.predictor import Predictor
from thce.ner.projection import project
from thce.ner.tags import chunks


@pytest.fixture(scope="module")
def bundle() -> str:
    return str(exported().bundle)


@pytest.fixture(scope="module")
def answered(bundle: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    output = tmp_path_factory.mktemp("evaluation") / "out"
    report = evaluate(EvaluateConfig(model=bundle, input=str(CORPUS), output=str(output)))
    return report, output


def test_graphs_answer_as_torch_does() -> None:
    parity = exported().report["parity"]
    assert parity["fp32_against_torch"]["max_difference"] < 1e-5
    assert parity["int8_against_fp32"]["words"] > 100
    assert open_bundle(exported().bundle, kind="ner").weights()[0] == parity["default_weights"]


def test_the_model_of_a_bundle_is_one_that_transformers_reads(bundle: str) -> None:
    from transformers import AutoModelForTokenClassification

    model = AutoModelForTokenClassification.from_pretrained(f"{bundle}/model")
    tags = json.loads(Path(bundle, "tags.json").read_text())["tag2id"]
    assert model.config.label2id == tags
    assert all(f"I-{tag[2:]}" in tags for tag in tags if tag.startswith("B-"))


def test_scores_are_those_of_the_files_it_leaves(answered: tuple[dict[str, Any], Path]) -> None:
    report, output = answered
    assert (report["documents"], report["seen_in_training"]) == (24, 20)
    rows = pq.read_table(output / "tokens.parquet").to_pylist()
    gold = {one.id: project(one) for one in read_corpus(str(CORPUS)).documents}
    assert len(rows) == sum(len(one.tags) for one in gold.values())
    right = found = wanted = 0
    for name, one in gold.items():
        mine = [row for row in rows if row["document"] == name]
        assert [row["gold"] for row in mine] == list(one.tags)
        assert [(row["start"], row["end"]) for row in mine] == list(one.words.spans)
        annotated = set(chunks([row["gold"] for row in mine]))
        predicted = set(chunks([row["predicted"] for row in mine]))
        right += len(annotated & predicted)
        found, wanted = found + len(predicted), wanted + len(annotated)
    assert right > 0
    assert report["strict"]["right"] == right
    assert report["strict"]["micro_f1"]["estimate"] == pytest.approx(2 * right / (found + wanted))
    assert len(read_predictions(output)) == found
    assert all(sum(row["probability"]) == pytest.approx(1, abs=1e-5) for row in rows[:200])


def test_mentions_that_no_tag_can_say_are_missed(answered: tuple[dict[str, Any], Path]) -> None:
    report, _ = answered
    mentions = sum(len(one.entities) for one in read_corpus(str(CORPUS)).documents)
    original = report["original_spans"]
    assert original["right"] + original["missed"] == mentions
    assert original["right"] <= report["strict"]["right"]


def test_confidence_is_that_of_the_least_certain_word(
    answered: tuple[dict[str, Any], Path],
) -> None:
    _, output = answered
    table = pq.read_table(output / "predictions.parquet").to_pylist()
    assert all(row["confidence"] == min(row["token_confidences"]) for row in table)
    assert all(row["alternative_type"] != row["type"] for row in table)
    words = pq.read_table(output / "tokens.parquet").to_pylist()
    at = {(row["document"], row["start"]): row for row in words}
    for row in table[:50]:
        first = at[row["document"], row["start"]]
        assert max(first["probability"]) >= row["token_confidences"][0]


def test_a_text_is_answered_the_same_alone_and_among_others(bundle: str) -> None:
    documents = read_corpus(str(CORPUS)).documents[:4]
    ids, texts = [one.id for one in documents], [one.text for one in documents]
    together = Predictor.open(bundle, "int8", sessions=3).predict(ids, texts)
    single = Predictor.open(bundle, "int8")
    for name, text, answer in zip(ids, texts, together, strict=True):
        (alone,) = single.predict([name], [text])
        np.testing.assert_array_equal(alone.probabilities, answer.probabilities)
        assert alone.mentions == answer.mentions


def test_predict_writes_files_that_brat_reads(bundle: str, tmp_path: Path) -> None:
    texts, output = tmp_path / "texts", tmp_path / "out"
    texts.mkdir()
    for path in sorted(CORPUS.glob("*.txt"))[:3]:
        shutil.copyfile(path, texts / path.name)
    report = predict(PredictConfig(model=bundle, input=str(texts), output=str(output)))
    assert report["documents"] == 3
    assert sorted(path.name for path in output.iterdir()) == [
        "case-01.ann",
        "case-02.ann",
        "case-03.ann",
    ]
    for path in texts.glob("*.txt"):
        shutil.copyfile(path, output / path.name)
    files = read_folder(output, types=Predictor.open(bundle).tags.types)
    assert sum(len(one.document.entities) for one in files) == report["mentions"] > 0
    assert all(one.oddities == () for one in files)


def test_confidences_go_into_notes_and_filter(bundle: str, tmp_path: Path) -> None:
    def given(**options: Any) -> list[str]:
        output = tmp_path / str(len(list(tmp_path.iterdir())))
        predict(PredictConfig(model=bundle, input=str(CORPUS), output=str(output), **options))
        return (output / "case-01.ann").read_text().splitlines()

    noted = given(confidence=True)
    mentions = [line for line in noted if line.startswith("T")]
    notes = [line for line in noted if line.startswith("#")]
    assert len(mentions) == len(notes) > 0
    confidences = sorted(float(line.rpartition(" ")[2]) for line in notes)
    least = confidences[len(confidences) // 2]
    assert len(given(min_confidence=least + 1e-3)) < len(given()) == len(mentions)


def test_a_bad_text_is_named_and_the_others_are_answered(
    bundle: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.txt").write_text("He had fever.")
    (tmp_path / "empty.txt").write_text("  \n")
    (tmp_path / "latin.txt").write_bytes("Fi\u00e8vre".encode("latin-1"))
    report = predict(PredictConfig(model=bundle, input=str(tmp_path), output=str(tmp_path / "out")))
    assert report["documents"] == 1
    assert [line.partition(": ")[2] for line in report["left_out"]] == [
        "the document is empty; remove it or give its text",
        "not UTF-8 text",
    ]
    assert f"{tmp_path}/latin.txt:1: not UTF-8 text" in capsys.readouterr().err


def test_the_input_is_never_overwritten(bundle: str) -> None:
    with pytest.raises(InputError, match="is the input, whose annotations would be lost"):
        predict(PredictConfig(model=bundle, input=str(CORPUS), output=f"{CORPUS}/../ner"))


def test_only_what_training_dealt_to_a_split(bundle: str) -> None:
    report = evaluate(EvaluateConfig(model=bundle, input=str(CORPUS), split="test"))
    assert (report["documents"], report["seen_in_training"]) == (2, 0)


def test_types_that_the_model_never_saw_are_missed_and_named(bundle: str, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("Pain in the knee.")
    (tmp_path / "x.ann").write_text("T1\tGene 12 16\tknee\n")
    report = evaluate(EvaluateConfig(model=bundle, input=str(tmp_path)))
    assert report["unknown_types"] == ["Gene"]
    assert report["strict"]["missed"] == 1
    assert report["types"]["Gene"]["support"] == 1


def test_other_documents_than_those_of_the_training_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    shutil.copytree(CORPUS, folder)
    with open(folder / "case-01.ann", "a") as handle:
        handle.write("T999\tAge 0 1\tA\n")
    with pytest.raises(InputError, match="trained on other documents"):
        export(
            ExportConfig(
                model=str(exported().trained), output=str(tmp_path / "b"), input=str(folder)
            )
        )


def test_a_bundle_whose_tags_were_altered_is_refused(bundle: str, tmp_path: Path) -> None:
    altered = tmp_path / "bundle"
    shutil.copytree(bundle, altered)
    content = json.loads((altered / "tags.json").read_text())
    content["tag2id"]["B-Age"], content["tag2id"]["I-Age"] = 2, 1
    (altered / "tags.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"tags\.json"):
        Predictor.open(altered)


def test_a_candidate_meets_the_champion_on_the_same_documents(tmp_path: Path) -> None:
    trained = train_small(tmp_path / "other", exported().base, epochs=1, seed=1)
    export(ExportConfig(model=str(trained), output=str(tmp_path / "bundle")))
    evidence = contest(
        open_bundle(exported().bundle), open_bundle(tmp_path / "bundle"), str(CORPUS)
    )
    found = evidence.metrics["micro_f1"]
    assert found.difference == pytest.approx(found.candidate - found.champion)
    assert found.candidate > found.champion


def test_rare_types_that_were_merged_are_answered_as_one(tmp_path: Path) -> None:
    given = {"types": {"rare": "merge", "rare_below": 20, "merge_into": "Other"}, "epochs": 1}
    trained = train_small(tmp_path / "merged", exported().base, **given)
    path = export(ExportConfig(model=str(trained), output=str(tmp_path / "bundle")))["path"]
    report = evaluate(EvaluateConfig(model=path, input=str(CORPUS)))
    assert "Other" in report["types"]
    assert "Color" not in report["types"]
    assert report["unknown_types"] == []


def test_answering_needs_neither_torch_nor_ray(bundle: str, tmp_path: Path) -> None:
    given = {"model": bundle, "input": str(CORPUS), "output": str(tmp_path / "out")}
    code = (
        "import sys\n"
        "from thce.ner.predict import PredictConfig, run\n"
        f"run(PredictConfig(**{given!r}))\n"
        "print(sorted({'ray', 'torch', 'transformers'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_weights_and_biases_has_an_offline_run(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is optional and not installed")
    from small_ner import recipe

    from thce.ner.recipe import TrainConfig
    from thce.ner.wandb_run import report_run

    output = tmp_path / "trained"
    shutil.copytree(exported().trained, output)
    config = TrainConfig(
        input=str(CORPUS), output=str(output), wandb="Medical_NER_FineTuning", **recipe()
    )
    report_run(config, output)
    assert len(list(output.glob("wandb/offline-run-*/*.wandb"))) == 1


def test_wandb_that_is_not_installed_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thce.ner import train
    from thce.ner.recipe import TrainConfig

    monkeypatch.setattr(train, "find_spec", lambda name: None)
    config = TrainConfig(input=str(CORPUS), output=str(tmp_path / "x"), wandb="project")
    with pytest.raises(InputError, match="wandb: the package is not installed"):
        train.run(config)
