"""int8: every token has a scale of its own, and the graph it is made of stays the same."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx.helper import make_graph, make_model, make_node, make_opsetid, make_tensor_value_info
from onnx.numpy_helper import from_array
from small_training import exported

from thce.bundles.load import open_bundle
from thce.registry.dataset import read_split
from thce.registry.onnx_int8 import _scale_rows, quantise_int8
from thce.registry.onnx_session import OnnxSession
from thce.registry.predict import load_encoder

Floats = NDArray[np.float32]
WIDTH, OUT = 64, 48


def linear_layer(path: Path, weights: Floats) -> Path:
    """A graph of one linear layer over (1, tokens, 64)."""
    shapes = {"x": [1, "tokens", WIDTH], "y": [1, "tokens", OUT]}
    ends = [make_tensor_value_info(name, 1, shape) for name, shape in shapes.items()]
    graph = make_graph(
        [make_node("MatMul", ["x", "w"], ["y"], name="linear")],
        "one_layer",
        ends[:1],
        ends[1:],
        [from_array(weights, "w")],
    )
    model = make_model(graph, opset_imports=[make_opsetid("", 18)], ir_version=10)
    onnx.save(model, str(path))
    return path


def answer(path: Path, x: Floats) -> Floats:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found: Floats = session.run(None, {"x": x})[0]
    return found


@pytest.mark.parametrize("loudness", [1.0, 100.0])
def test_a_loud_token_does_not_blur_the_others(tmp_path: Path, loudness: float) -> None:
    random = np.random.default_rng(7)
    weights = random.normal(size=(WIDTH, OUT)).astype(np.float32)
    x = random.normal(size=(1, 20, WIDTH)).astype(np.float32)
    x[0, 0] *= loudness
    fp32 = linear_layer(tmp_path / "fp32.onnx", weights)
    quantise_int8(fp32, tmp_path / "int8.onnx")
    expected, found = answer(fp32, x), answer(tmp_path / "int8.onnx", x)
    error = np.abs(found - expected).max(axis=-1) / np.abs(expected).max(axis=-1)
    assert 0 < error.max() < 0.03


def test_a_token_of_zeros_stays_zero(tmp_path: Path) -> None:
    weights = np.random.default_rng(3).normal(size=(WIDTH, OUT)).astype(np.float32)
    x = np.random.default_rng(4).normal(size=(1, 5, WIDTH)).astype(np.float32)
    x[0, 2] = 0
    quantise_int8(linear_layer(tmp_path / "fp32.onnx", weights), tmp_path / "int8.onnx")
    found = answer(tmp_path / "int8.onnx", x)
    assert np.isfinite(found).all()
    assert not found[0, 2].any()


def test_scaling_rows_changes_no_answer_of_the_fp32_graph(
    registry_data: Path, tmp_path: Path
) -> None:
    small = exported(registry_data)
    fp32 = open_bundle(small.bundle).path("onnx/model.onnx")
    model = onnx.load(str(fp32))
    before = len(model.graph.node)
    _scale_rows(model.graph)
    assert len(model.graph.node) > before
    onnx.checker.check_model(model)
    onnx.save(model, str(tmp_path / "scaled.onnx"))
    tokens = load_encoder(Path(small.trained)).encode(read_split(small.dataset, "val").texts)
    found = [OnnxSession(path).probabilities(tokens) for path in (fp32, tmp_path / "scaled.onnx")]
    assert np.abs(found[0] - found[1]).max() <= 1e-5
