"""Exporting a coder: what lies where, what each graph loses, and what is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_graph import full_model, small_model

from thce.coder.engine import Graph, Sampling
from thce.coder.export import ExportConfig, run, weights_entries
from thce.errors import Finding, InputError

EXPORT = [sys.executable, "-m", "thce.cli", "coder", "export"]
EXAMPLES = str(Path(__file__).resolve().parents[2] / "data" / "coder" / "coder_examples.jsonl")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model and tokenizer apart, as training and bundles lay them out."""
    trained = tmp_path_factory.mktemp("trained")
    for folder, names in (
        ("model", ("config.json", "model.safetensors", "generation_config.json")),
        ("tokenizer", ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")),
    ):
        (trained / folder).mkdir()
        for name in names:
            (trained / folder / name).symlink_to(model / name)
    return trained


@pytest.fixture(scope="module")
def exported(trained: Path, tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    output = tmp_path_factory.mktemp("exported") / "coder"
    done = subprocess.run(
        [
            *(*EXPORT, "--model", str(trained), "--output", str(output), "--json"),
            *("--set", "examples_used=8"),
        ],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["path"] == str(output)
    return output


def test_every_file_is_one_that_a_bundle_may_hold(exported: Path) -> None:
    names = {str(path.relative_to(exported)) for path in exported.rglob("*") if path.is_file()}
    assert names == {
        "export.json",
        "onnx/int4/genai_config.json",
        "onnx/int4/model.onnx",
        "onnx/int8/genai_config.json",
        "onnx/int8/model.onnx",
        "tokenizer/chat_template.jinja",
        "tokenizer/tokenizer.json",
        "tokenizer/tokenizer_config.json",
    }
    assert {entry.file for entry in weights_entries("confidence.json").values()} <= names


def test_int8_loses_less_than_int4(exported: Path) -> None:
    report = json.loads((exported / "export.json").read_text(encoding="utf-8"))
    int4, int8 = report["loss"]["int4"], report["loss"]["int8"]
    assert report["examples"] == 8
    assert int4["tokens"] == int8["tokens"] > 8 * 20
    assert int4["nats_fp32"] == int8["nats_fp32"] > 0
    assert 0 < int8["divergence"] < int4["divergence"]
    assert int4["same_choice"] <= int8["same_choice"] <= 1


def test_a_graph_answers_as_torch_does(exported: Path, model: Path) -> None:
    """int8 and fp32 find nearly the same logits for the next token (0.9988 was measured)."""
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    graph = Graph(exported / "onnx" / "int8", exported / "tokenizer", threads=1)
    ids = graph.prompts.text_ids("Fell on ice. Wrist deformed, no wound.")
    found = graph.decode([ids], 1, Sampling()).logits()[0]
    with torch.no_grad():
        full = AutoModelForCausalLM.from_pretrained(model)(torch.tensor([ids])).logits[0, -1]
    assert np.corrcoef(found, full.numpy())[0, 1] > 0.99


def test_too_great_a_loss_is_a_finding(
    model: Path, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy_graphs(_: Path, __: Path, output: Path) -> None:
        shutil.copytree(exported, output)

    monkeypatch.setattr("thce.coder.export.export_graphs", copy_graphs)  # spares two builds
    config = ExportConfig(
        model=str(model),
        output=str(tmp_path / "out"),
        examples=EXAMPLES,
        examples_used=8,
        most_loss=1e-9,
    )
    with pytest.raises(Finding, match=r"export: int. loses .* nats per token"):
        run(config)


def test_wrong_inputs_are_said(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"model: .*config\.json is missing"):
        run(ExportConfig(model=str(tmp_path), output=str(tmp_path / "out"), examples=EXAMPLES))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "something").write_text("here")
    with pytest.raises(InputError, match=r"output: .* is not empty"):
        run(ExportConfig(model=str(model), output=str(tmp_path / "full")))
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(InputError, match="examples: the file has none"):
        run(
            ExportConfig(
                model=str(model),
                output=str(tmp_path / "out"),
                examples=str(tmp_path / "none.jsonl"),
            )
        )


def test_a_model_that_the_builder_refuses(model: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in model.iterdir():
        (broken / file.name).symlink_to(file)
    (broken / "config.json").unlink()
    (broken / "config.json").write_text(json.dumps({"model_type": "bert", "architectures": ["B"]}))
    with pytest.raises(InputError, match="onnxruntime-genai's builder failed"):
        run(ExportConfig(model=str(broken), output=str(tmp_path / "out"), examples=EXAMPLES))


@pytest.mark.soak
def test_what_full_weights_lose(tmp_path: Path) -> None:
    report = run(
        ExportConfig(
            model=str(full_model()),
            output=str(tmp_path / "out"),
            examples=EXAMPLES,
            examples_used=100,
        )
    )
    loss = report["loss"]
    assert loss["int8"]["lost"] < 0.02
    assert loss["int4"]["lost"] < 0.5
