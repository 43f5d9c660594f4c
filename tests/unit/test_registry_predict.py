"""A bundle's answers: the same alone, in company and in any order; equal to the model's own."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from small_bundle import spec
from small_training import exported

from thce.bundles.build import build
from thce.bundles.load import open_bundle
from thce.errors import InputError
from thce.registry.dataset import Split, read_split
from thce.registry.encode import NoteEncoder
from thce.registry.labels import N_FLAGS
from thce.registry.predict import Predictor, load_encoder
from thce.registry.score import ScoreConfig
from thce.registry.score import run as score


@pytest.fixture
def bundle(registry_data: Path) -> str:
    return exported(registry_data).bundle


@pytest.fixture
def notes(registry_data: Path) -> Split:
    return read_split(exported(registry_data).dataset, "test")


@pytest.mark.parametrize("weights", ["fp32", "int8"])
def test_a_note_has_the_same_probabilities_alone_and_in_any_company(
    bundle: str, notes: Split, weights: str
) -> None:
    predictor = Predictor.open(bundle, weights)
    together = predictor.predict(notes.texts)
    assert together.shape == (len(notes.texts), N_FLAGS)
    backwards = predictor.predict(notes.texts[::-1])[::-1]
    alone = np.concatenate([predictor.predict([text]) for text in notes.texts])
    another_session = Predictor.open(bundle, weights).predict(notes.texts)
    for other in (backwards, alone, another_session):
        assert together.tobytes() == other.tobytes()


def test_fp32_answers_as_the_trained_model_does(bundle: str, notes: Split) -> None:
    import torch

    from thce.registry.model import FlagClassifier

    predictor = Predictor.open(bundle, "fp32")
    model = FlagClassifier.load(Path(bundle) / "model").eval()
    tokens = NoteEncoder.load(Path(bundle) / "tokenizer", 96, 32).encode(notes.texts)
    with torch.inference_mode():
        for text, ids in zip(notes.texts[:10], tokens[:10], strict=True):
            row = torch.from_numpy(ids)[None]
            expected = torch.sigmoid(model(row, torch.ones_like(row))).numpy()
            assert np.abs(predictor.predict([text]) - expected).max() < 1e-5


def test_the_bundle_encodes_as_training_did(bundle: str, notes: Split) -> None:
    light = load_encoder(Path(bundle))
    full = NoteEncoder.load(Path(bundle) / "tokenizer", 96, 32)
    texts = [*notes.texts, "", "[SEP] [MASK] \u00e9\u4e2d\u0000", "x " * 500]
    for found, expected in zip(light.encode(texts), full.encode(texts), strict=True):
        assert found.tolist() == expected.tolist()


def test_the_default_weights_answer_when_none_are_named(bundle: str, notes: Split) -> None:
    default = open_bundle(bundle).manifest.default_weights
    named = Predictor.open(bundle, default).predict(notes.texts[:3])
    assert (Predictor.open(bundle).predict(notes.texts[:3]) == named).all()
    with pytest.raises(InputError, match="no weights 'int4'"):
        Predictor.open(bundle, "int4")


def test_a_bundle_whose_graph_is_no_graph_is_refused_by_its_file(
    bundle: str, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(bundle, folder)
    (folder / "manifest.json").unlink()
    (folder / "onnx" / "model.onnx").write_bytes(b"no graph")
    build(folder, spec())
    with pytest.raises(InputError, match=r"onnx/model\.onnx: onnxruntime cannot load it"):
        Predictor.open(folder, "fp32")
    config = ScoreConfig(
        model=str(folder), weights="fp32", input=str(tmp_path), output=str(tmp_path / "scores")
    )
    with pytest.raises(InputError, match=r"onnx/model\.onnx"):
        score(config)
    assert not (tmp_path / "scores").exists()


def test_a_table_gains_probabilities_and_keeps_its_columns(bundle: str, notes: Split) -> None:
    table = pa.table({"encounter_id": notes.encounter_ids[:4], "text": notes.texts[:4]})
    predictor = Predictor.open(bundle)
    found = predictor.predict_table(table)
    assert found.column_names == ["encounter_id", "text", "probabilities"]
    expected = predictor.predict(notes.texts[:4])
    assert np.array_equal(np.array(found["probabilities"].to_pylist(), np.float32), expected)
    assert predictor.predict_table(table.slice(0, 0)).num_rows == 0


def test_a_note_without_a_token_has_an_answer_too(registry_data: Path) -> None:
    predictor = Predictor.open(exported(registry_data).bundle)
    found = predictor.predict(["", "\u0300", "lavage"])
    assert found.shape == (3, 29) and np.isfinite(found).all()
    assert np.array_equal(found[0], found[1])
