"""`thce coder predict --model`: a training's output joins the ranking, in its own stage."""

import json
from pathlib import Path

import pytest
from small_graph import small_model
from typer.testing import CliRunner

from thce.coder.cli import app
from thce.errors import InputError
from thce.files import write_json, write_jsonl

NARRATIVE = {"id": "1", "narrative": "Type 2 diabetic, no complications. Metformin refilled."}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a training of stage 2 writes, with a random model of two layers."""
    folder = tmp_path_factory.mktemp("trained")
    whole = small_model(folder / "model")
    (folder / "tokenizer").mkdir()
    for file in whole.glob("tokenizer*"):
        file.rename(folder / "tokenizer" / file.name)
    for file in whole.glob("chat_template*"):
        file.rename(folder / "tokenizer" / file.name)
    write_json(folder / "training.json", {"stage": 2})
    return folder


def _scores(folder: Path, *options: str) -> dict[str, float]:
    write_jsonl(folder / "in.jsonl", [NARRATIVE])
    arguments = ["predict", "--input", str(folder / "in.jsonl")]
    done = CliRunner().invoke(
        app, [*arguments, "--output", str(folder / "out.jsonl"), *options], catch_exceptions=False
    )
    assert done.exit_code == 0
    (row,) = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    return {one["code"]: one["score"] for one in row["codes"]}


def test_the_model_of_a_training_moves_the_scores_and_its_weight_how_far(
    trained: Path, tmp_path: Path
) -> None:
    words = _scores(tmp_path)
    joined = _scores(tmp_path, "--model", str(trained))
    silent = _scores(tmp_path, "--model", str(trained), "--set", "likelihood_weight=0")
    assert joined != words
    assert silent == pytest.approx(words)


def test_the_stage_of_the_training_decides_the_prompt(trained: Path) -> None:
    from thce.coder.predict import _likelihoods

    assert _likelihoods(str(trained), None)._stage == 2
    assert _likelihoods(str(trained), 1)._stage == 1


def test_a_folder_without_a_model_is_refused_by_name(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", [NARRATIVE])
    arguments = ["predict", "--input", str(tmp_path / "in.jsonl"), "--model", "./absent"]
    with pytest.raises(InputError, match="absent"):
        CliRunner().invoke(
            app, [*arguments, "--output", str(tmp_path / "o.jsonl")], catch_exceptions=False
        )
