"""`thce coder predict --model`: a bundle answers whole, its model reasoning about candidates."""

from pathlib import Path
from typing import Any

import pytest
from small_coder import rows, write_rows
from small_graph import small_model
from typer.testing import CliRunner

from thce.cli import app
from thce.coder import chat
from thce.coder.bundle import BundleConfig, default_graph
from thce.coder.bundle import run as make_bundle
from thce.coder.coded_rows import Coded, Objection, RankedCode
from thce.coder.generate import Question
from thce.coder.generate_config import Limits
from thce.coder.open_coder import open_coder
from thce.coder.reasoner import Reasoner, with_thought
from thce.coder.train_config import TrainConfig
from thce.codes.code_types import CodeType
from thce.codes.load import catalogue_versions, load_catalogue
from thce.errors import InputError
from thce.files import read_json, read_jsonl, write_json, write_jsonl

NARRATIVES = [
    {"id": "1", "narrative": "Type 2 diabetic, no complications. Metformin refilled."},
    {"id": "2", "narrative": "Cough for three days, lungs clear; acute bronchitis."},
    {"id": "3", "narrative": "Flu vaccine given.", "code_type": "CPT"},
    {"id": "4", "narrative": "zzz"},
]
WRITING = ("--set", "writing.reasoning_tokens=8", "--set", "writing.bounds.lines=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("coder")


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    """A training of stage 2, two layers with random weights, one step."""
    from thce.coder.train_plain import train_plain

    base = small_model(folder / "base")
    config = TrainConfig(
        stage=2,
        data=write_rows(folder / "stage_2.jsonl", rows(2, 4)),
        output=str(folder / "trained"),
        model_name=str(base),
        batch_size=4,
        micro_batch_size=4,
        precision="fp32",
        checkpoint_every=0,
        gradient_checkpointing=False,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THCE_HOME", str(folder / "home"))
        train_plain(config)
    return folder / "trained"


@pytest.fixture(scope="module")
def bundle(trained: Path, repository: Path, folder: Path) -> Path:
    examples = repository / "data" / "coder" / "coder_examples.jsonl"
    report = make_bundle(
        BundleConfig(
            model=str(trained),
            output=str(folder / "bundle"),
            examples=str(examples),
            examples_used=2,
            most_loss=5.0,
            confidence=0.01,
            default_graph="int8",
        )
    )
    assert set(report["loss"]) == {"int4", "int8"}
    return Path(report["path"])


def _predict(folder: Path, *options: str) -> list[dict[str, Any]]:
    write_jsonl(folder / "in.jsonl", NARRATIVES)
    arguments = ["coder", "predict", "--input", str(folder / "in.jsonl"), *WRITING]
    done = CliRunner().invoke(
        app, [*arguments, "--output", str(folder / "out.jsonl"), *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return read_jsonl(folder / "out.jsonl")


def _scores(row: dict[str, Any]) -> dict[str, float]:
    return {one["code"]: one["score"] for one in row["codes"]}


def test_a_bundle_holds_all_that_answers(bundle: Path) -> None:
    manifest = read_json(bundle / "manifest.json")
    assert set(manifest["weights"]) == {"fp32", "int4", "int8"}
    assert manifest["default_weights"] == "int8"  # as asked
    assert manifest["code_set"] == catalogue_versions()
    graphs = {name for name in manifest["files"] if name.startswith("onnx/")}
    assert graphs == {
        f"onnx/{name}/{file}"
        for name in ("int4", "int8")
        for file in ("model.onnx", "genai_config.json")
    }
    assert read_json(bundle / "export.json")["stage"] == 2
    card = (bundle / "README.md").read_text()
    assert "nats a token" in card and "78 development examples" in card


def test_int4_answers_where_it_loses_little() -> None:
    assert default_graph({"int4": {"lost": 0.05}, "int8": {"lost": 0.0}}) == "int4"
    assert default_graph({"int4": {"lost": 0.2}, "int8": {"lost": 0.0}}) == "int8"


def test_the_model_reasons_and_the_ranking_stays(bundle: Path, tmp_path: Path) -> None:
    plain = _predict(tmp_path, "--set", "confidence=0.01")
    found = _predict(tmp_path, "--model", str(bundle))
    for before, row in zip(plain, found, strict=True):
        assert row["codes"] == before["codes"]
        if row["reasoning_by"] == "model":
            assert row["objection"] is None and row["reasoning"] != before["reasoning"]
        else:
            assert row["reasoning"] == before["reasoning"]
        if row["objection"]:
            assert row["objection"]["code"] != row["codes"][0]["code"]
    assert any(row["codes"] for row in found)


def _coded(*codes: str) -> Coded:
    ranked = (RankedCode(CodeType.ICD10, code, "", 0.5, True) for code in codes)
    return Coded("1", tuple(ranked), ("By the tree",), reasoning_by="tree")


@pytest.mark.parametrize(
    ("lines", "chosen", "by", "objects"),
    [
        (("Cough", "Lungs clear: J20.9"), "J20.9", "model", False),
        (("Cough", "No code is named"), "J20.9", "model", False),
        (("Cough", "So it is J18.9"), "J20.9", "tree", False),
        (("Cough", "So it is J18.9"), "J18.9", "tree", True),
        ((">", ">", ">", ">"), "J20.9", "tree", False),
        ((">", ">", ">", ">"), "J18.9", "tree", False),
        (None, "J20.9", "tree", False),
    ],
)
def test_reasoning_stands_only_where_it_leads_to_the_answer(
    lines: tuple[str, ...] | None, chosen: str, by: str, objects: bool
) -> None:
    line = chat.CodeLine(CodeType.ICD10, chosen)
    found = with_thought(_coded("J20.9", "J18.9"), chat.Answer(lines, (line,), ()))
    assert found.reasoning_by == by
    assert found.reasoning == (lines if by == "model" else ("By the tree",))
    told = Objection(chosen, "\n".join(lines or ())) if objects else None
    assert found.objection == told


def test_the_model_chooses_among_the_candidates_alone(bundle: Path) -> None:
    coder = open_coder(str(bundle))
    reasoner = Reasoner.load(coder, None, Limits(reasoning_tokens=8), 0.0)
    for among in (("J20.9",), ("I10", "S52.531A", "Z00.00")):
        asked = [Question(row["narrative"], CodeType.ICD10, among) for row in NARRATIVES]
        found = reasoner.generator.answers(asked)
        assert all(one.answer.codes[0].code in among for one in found)
        assert all(one.answer.reasoning and one.opening for one in found)
        assert all(0 < one.probability <= 1 for one in found)


def test_likelihoods_join_the_scores_by_their_weight(bundle: Path, tmp_path: Path) -> None:
    plain = _predict(tmp_path, "--model", str(bundle))
    joined = _predict(tmp_path, "--model", str(bundle), "--set", "likelihood_weight=1")
    assert [_scores(row) for row in joined] != [_scores(row) for row in plain]


def test_the_model_alone_answers_and_is_scored(bundle: Path, tmp_path: Path) -> None:
    found = _predict(tmp_path, "--model", str(bundle), "--system", "model")
    for row, asked in zip(found, NARRATIVES, strict=True):
        (code,) = row["codes"]
        assert code["type"] == asked.get("code_type", "ICD10")
        assert load_catalogue(code["type"]).is_billable(code["code"])
        assert 0 < code["score"] <= 1 and code["accepted"]
        assert row["reasoning_by"] == "model" and row["reasoning"]
    direct = _predict(tmp_path, "--model", str(bundle), "--system", "model", "--set", "stage=1")
    assert all(row["reasoning"] == "" for row in direct)


def test_other_catalogues_than_the_bundle_s_are_said(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = {**catalogue_versions(), "hcpcs": "2099-01-01/abc"}
    monkeypatch.setattr("thce.coder.open_coder.catalogue_versions", lambda: here)
    open_coder(str(bundle))
    said = capsys.readouterr().err
    assert "hcpcs" in said and "2099-01-01/abc" in said and "icd10" not in said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--model", "./absent"), "absent: neither a bundle nor an exported coder"),
        (("--system", "model"), "give --model"),
        (("--system", "tfidf", "--model", "./absent"), "system tfidf uses none"),
        (("--set", "ranker=absent.yaml"), "absent.yaml: No such file"),
    ],
)
def test_what_cannot_answer_is_refused(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError, match=said):
        _predict(tmp_path, *options)


def test_a_training_without_graphs_is_refused_with_the_remedy(
    trained: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="thce coder bundle"):
        _predict(tmp_path, "--model", str(trained))


def test_a_bundle_of_no_training_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "training.json", {"steps": 3})
    with pytest.raises(InputError, match=r"training\.json: not of a training"):
        make_bundle(BundleConfig(model=str(tmp_path), output=str(tmp_path / "bundle")))
