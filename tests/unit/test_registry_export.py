"""Export: both graphs agree with torch, each has its own thresholds, and the rule picks one."""

import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.numpy_helper import from_array, to_array
from small_bundle import flat_thresholds
from small_training import VOCABULARY, exported

from thce.bundles.load import open_bundle
from thce.errors import Finding, InputError
from thce.files import read_json
from thce.registry import export_graphs
from thce.registry.dataset import read_fingerprint, read_split
from thce.registry.export import ExportConfig, run
from thce.registry.export_weights import choose_default
from thce.registry.labels import FLAG_NAMES, N_FLAGS, TRUE, Flag
from thce.registry.onnx_int8 import quantise_int8
from thce.registry.parity import compare
from thce.registry.predict import Predictor
from thce.registry.thresholds import ThresholdPolicy, apply, fit


@pytest.fixture
def dataset(registry_data: Path) -> str:
    return exported(registry_data).dataset


@pytest.fixture
def trained(registry_data: Path) -> str:
    return exported(registry_data).trained


@pytest.fixture
def report(registry_data: Path) -> dict[str, Any]:
    return exported(registry_data).report


@pytest.fixture
def same_fp32(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports take the fp32 graph that is there: the last test here says that it is the same."""
    graph = open_bundle(report["path"]).path("onnx/model.onnx")
    monkeypatch.setattr(export_graphs, "export_fp32", lambda _, path: shutil.copyfile(graph, path))


def test_the_bundle_is_complete_and_says_what_it_came_from(
    report: dict[str, Any], dataset: str
) -> None:
    bundle = open_bundle(report["path"], kind="registry")
    assert bundle.version == report["version"]
    assert bundle.manifest.data_fingerprint == read_fingerprint(dataset)
    assert set(bundle.manifest.weights) == {"fp32", "int8"}
    assert json.dumps(report)


def test_fp32_agrees_with_torch_and_the_report_counts_what_int8_flips(
    report: dict[str, Any], dataset: str
) -> None:
    parity = report["parity"]
    assert parity["fp32"]["max_difference"] <= 1e-4
    assert parity["fp32"]["flip_rate"] == 0
    assert parity["int8"]["flips"] == flips_between(report["path"], dataset)
    assert parity["int8"]["flip_rate"] <= 0.005
    assert report["default_weights"] == "int8"


def flips_between(bundle: str, dataset: str) -> dict[str, int]:
    """Decisions on the validation notes in which int8 and fp32 differ, by flag."""
    texts = read_split(dataset, "val").texts
    predictors = [Predictor.open(bundle, weights) for weights in ("fp32", "int8")]
    fp32, int8 = (apply(one.predict(texts), one.thresholds) for one in predictors)
    counts = zip(FLAG_NAMES, (fp32 != int8).sum(axis=0).tolist(), strict=True)
    return {name: count for name, count in counts if count}


def test_each_weights_have_thresholds_fitted_on_their_own_scores(
    report: dict[str, Any], dataset: str
) -> None:
    validation = read_split(dataset, "val")
    positives = (read_split(dataset, "train").label == TRUE).sum(axis=0)
    values = []
    for weights in ("fp32", "int8"):
        predictor = Predictor.open(report["path"], weights)
        found = predictor.predict(validation.texts)
        expected = fit(found, validation.label, ThresholdPolicy(), weights, positives)
        assert predictor.thresholds == expected
        values.append(expected.values)
    assert not np.array_equal(*values)


def test_int8_quantises_the_encoder_and_leaves_the_head(report: dict[str, Any]) -> None:
    bundle = open_bundle(report["path"])
    nodes = onnx.load(str(bundle.path("onnx/model.int8.onnx"))).graph.node
    linear_layers = 2 * 6
    assert sum(node.op_type == "MatMulInteger" for node in nodes) == linear_layers
    head = [node.op_type for node in nodes if node.name.startswith("head.")]
    assert head.count("MatMul") == 4


@pytest.mark.parametrize(("flipped", "default"), [(0, "int8"), (14, "int8"), (15, "fp32")])
def test_int8_is_the_default_up_to_half_a_percent_of_flips(flipped: int, default: str) -> None:
    reference = np.full((100, N_FLAGS), 0.2, np.float32)
    found = reference.copy()
    found[:flipped, Flag.BAL.position] = 0.9
    int8 = compare(found, flat_thresholds("int8"), reference, flat_thresholds("fp32"))
    assert {name: n for name, n in int8.flips.items() if n} == ({"bal": flipped} if flipped else {})
    assert int8.flip_rate == flipped / (100 * N_FLAGS)
    assert choose_default(int8, ExportConfig.model_fields["max_flip_rate"].default) == default


def test_each_side_of_a_comparison_decides_by_its_own_thresholds() -> None:
    same = np.full((3, N_FLAGS), 0.2, np.float32)
    found = compare(same, flat_thresholds("int8", 0.1), same, flat_thresholds("fp32", 0.5))
    assert (found.flip_rate, found.max_difference) == (1, 0)


def quantise_badly(fp32: Path, path: Path) -> None:
    """int8 of an encoder whose embeddings have changed places: every word means another."""
    model = onnx.load(str(fp32))
    (words,) = (one for one in model.graph.initializer if list(one.dims[:1]) == [VOCABULARY])
    words.CopyFrom(from_array(to_array(words)[::-1].copy(), words.name))
    with TemporaryDirectory(dir=path.parent) as folder:
        onnx.save(model, f"{folder}/bad.onnx")
        quantise_int8(Path(folder) / "bad.onnx", path)


def test_int8_that_decides_otherwise_too_often_is_in_the_bundle_but_not_its_default(
    same_fp32: None, trained: str, dataset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_graphs, "quantise_int8", quantise_badly)
    given = {"model": trained, "dataset": dataset}
    report = run(ExportConfig(**given, output=str(tmp_path / "refused")))
    assert report["parity"]["int8"]["flip_rate"] > 0.005
    assert report["default_weights"] == "fp32"
    assert open_bundle(report["path"]).manifest.default_weights == "fp32"
    assert read_json(tmp_path / "refused" / "parity.json")["default_weights"] == "fp32"
    assert Predictor.open(report["path"]).thresholds.weights == "fp32"
    assert report["parity"]["int8"]["flips"] == flips_between(report["path"], dataset)

    allowed = run(ExportConfig(**given, output=str(tmp_path / "allowed"), max_flip_rate=0.5))
    assert allowed["parity"] == report["parity"]
    assert Predictor.open(allowed["path"]).thresholds.weights == "int8"


def test_a_graph_that_differs_from_torch_is_not_published(
    same_fp32: None, trained: str, dataset: str, tmp_path: Path
) -> None:
    output = tmp_path / "out" / "bundle"
    config = ExportConfig(
        model=trained, dataset=dataset, output=str(output), max_torch_difference=1e-12
    )
    with pytest.raises(Finding, match="fp32 differs from torch"):
        run(config)
    assert list(output.parent.iterdir()) == []


def test_a_training_on_other_notes_is_refused(trained: str, dataset: str, tmp_path: Path) -> None:
    other = tmp_path / "trained"
    shutil.copytree(trained, other)
    with np.load(other / "validation.npz") as arrays:
        changed = dict(arrays)
    changed["label"][0, 0] ^= 1
    np.savez(other / "validation.npz", **changed)
    config = ExportConfig(model=str(other), dataset=dataset, output=str(tmp_path / "bundle"))
    with pytest.raises(InputError, match="trained with other validation notes"):
        run(config)


def test_the_files_tell_nothing_of_the_machine_that_exported_them(report: dict[str, Any]) -> None:
    bundle = open_bundle(report["path"])
    for name in ("onnx/model.onnx", "onnx/model.int8.onnx"):
        content = bundle.path(name).read_bytes()
        assert b"stack_trace" not in content
        assert b"site-packages" not in content
        assert b"model.py" not in content


def test_the_same_weights_export_to_the_same_bytes_and_a_warm_start_names_its_parent(
    report: dict[str, Any], trained: str, dataset: str, tmp_path: Path
) -> None:
    import yaml

    child = tmp_path / "trained"
    shutil.copytree(trained, child)
    settings = yaml.safe_load((child / "config.yaml").read_text())
    settings["init_from"] = report["path"]
    (child / "config.yaml").write_text(yaml.safe_dump(settings))
    output = str(tmp_path / "bundle")
    run(ExportConfig(model=str(child), dataset=dataset, output=output))
    parent, manifest = open_bundle(report["path"]).manifest, open_bundle(output).manifest
    assert manifest.parent == parent.version
    assert f"continues bundle {parent.version}" in (tmp_path / "bundle" / "README.md").read_text()
    for name in ("onnx/model.onnx", "onnx/model.int8.onnx", "thresholds.int8.json"):
        assert manifest.files[name] == parent.files[name]
