"""What a built bundle says, and what cannot become one."""

import json
import pickle
from pathlib import Path

import pytest
from small_bundle import WEIGHTS, small_bundle, spec, stage

from thce.bundles.build import build
from thce.bundles.load import open_bundle
from thce.bundles.manifest import WeightsEntry
from thce.errors import InputError
from thce.files import sha256_file


def test_the_manifest_lists_every_file_with_its_hash_and_size(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    on_disk = {
        path.relative_to(bundle.folder).as_posix()
        for path in bundle.folder.rglob("*")
        if path.is_file()
    }
    assert set(bundle.manifest.files) == on_disk - {"manifest.json"}
    for name, entry in bundle.manifest.files.items():
        assert entry.sha256 == sha256_file(bundle.path(name))
        assert entry.bytes == bundle.path(name).stat().st_size


def test_the_same_content_has_the_same_version_and_other_content_another(tmp_path: Path) -> None:
    first = small_bundle(tmp_path / "a")
    again = small_bundle(tmp_path / "b")
    other_weights = small_bundle(tmp_path / "c", seed=1)
    other_default = small_bundle(tmp_path / "d", default_weights="fp32")
    assert first.version == again.version
    assert len({first.version, other_weights.version, other_default.version}) == 3


def test_the_default_weights_answer_when_none_are_named(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    assert bundle.weights() == ("int8", WEIGHTS["int8"])
    assert bundle.weights("fp32") == ("fp32", WEIGHTS["fp32"])
    with pytest.raises(InputError, match=r"no weights 'int4'; it holds fp32, int8"):
        bundle.weights("int4")


def test_weights_without_thresholds_are_refused(tmp_path: Path) -> None:
    staging = stage(tmp_path / "b")
    (staging / "thresholds.int8.json").unlink()
    with pytest.raises(InputError, match=r"weights\.int8\.thresholds: 'thresholds\.int8\.json'"):
        build(staging, spec())


def test_thresholds_fitted_on_other_weights_are_refused(tmp_path: Path) -> None:
    swapped = {
        "fp32": WEIGHTS["fp32"],
        "int8": WeightsEntry(file="onnx/model.int8.onnx", thresholds="thresholds.json"),
    }
    with pytest.raises(InputError, match=r"thresholds\.json: weights: fitted on fp32"):
        build(stage(tmp_path / "b"), spec(weights=swapped))


def test_a_threshold_missing_for_one_flag_is_refused(tmp_path: Path) -> None:
    staging = stage(tmp_path / "b")
    path = staging / "thresholds.json"
    content = json.loads(path.read_text())
    del content["labels"]["ipc"]
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"thresholds\.json: no threshold for ipc"):
        build(staging, spec())


@pytest.mark.parametrize("name", ["model/pytorch_model.bin", "weights.pt", "scaler.joblib"])
def test_formats_that_may_hold_a_pickle_are_refused(tmp_path: Path, name: str) -> None:
    staging = stage(tmp_path / "b")
    (staging / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match=f"{name}.*format not allowed"):
        build(staging, spec())


def test_a_link_out_of_the_bundle_is_refused(tmp_path: Path) -> None:
    staging = stage(tmp_path / "b")
    (tmp_path / "elsewhere.json").write_text("{}")
    (staging / "extra.json").symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(InputError, match=r"extra\.json: a bundle holds plain files only"):
        build(staging, spec())


def test_a_bundle_of_another_kind_is_refused_by_its_user(tmp_path: Path) -> None:
    small_bundle(tmp_path / "b")
    with pytest.raises(InputError, match=r"manifest\.json: kind is 'registry', expected 'coder'"):
        open_bundle(tmp_path / "b", kind="coder")
