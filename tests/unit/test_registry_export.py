"""Export: both graphs agree with torch, each has its own thresholds, and the rule picks one."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_training import exported

from thce.bundles.load import open_bundle
from thce.errors import Finding, InputError
from thce.registry.dataset import read_fingerprint, read_split
from thce.registry.export import ExportConfig, run
from thce.registry.export_weights import choose_default
from thce.registry.labels import FLAG_NAMES, TRUE, Flag
from thce.registry.parity import Parity
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
    validation = read_split(dataset, "val")
    decisions = []
    for weights in ("fp32", "int8"):
        predictor = Predictor.open(report["path"], weights)
        decisions.append(apply(predictor.predict(validation.texts), predictor.thresholds))
    flips = (decisions[0] != decisions[1]).sum(axis=0)
    expected = {name: int(n) for name, n in zip(FLAG_NAMES, flips, strict=True) if n}
    assert parity["int8"]["flips"] == expected
    assert parity["int8"]["flip_rate"] == pytest.approx(flips.sum() / decisions[0].size)


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
    import onnx

    bundle = open_bundle(report["path"])
    nodes = onnx.load(str(bundle.path("onnx/model.int8.onnx"))).graph.node
    linear_layers = 2 * 6
    assert sum(node.op_type == "MatMulInteger" for node in nodes) == linear_layers
    head = [node.op_type for node in nodes if node.name.startswith("head.")]
    assert head.count("MatMul") == 4


@pytest.mark.parametrize(("flipped", "default"), [(0, "int8"), (14, "int8"), (15, "fp32")])
def test_int8_is_the_default_up_to_half_a_percent_of_flips(flipped: int, default: str) -> None:
    flips = dict.fromkeys(FLAG_NAMES, 0) | {Flag.BAL.value: flipped}
    int8 = Parity(notes=100, max_difference=0.1, mean_difference=0.01, flips=flips)
    assert choose_default(int8, ExportConfig.model_fields["max_flip_rate"].default) == default


def test_a_graph_that_differs_from_torch_is_not_published(
    trained: str, dataset: str, tmp_path: Path
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
