"""A damaged or altered bundle is refused, and the file at fault is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from small_bundle import small_bundle

from thce.bundles.load import open_bundle
from thce.bundles.manifest import content_version
from thce.errors import InputError

Fields = dict[str, Any]


def rewrite(folder: Path, change: Callable[[Fields], None], forge: bool = False) -> None:
    """Alters the manifest; `forge` also gives it the version that fits its new content."""
    path = folder / "manifest.json"
    fields = json.loads(path.read_text())
    change(fields)
    if forge:
        fields["version"] = content_version(fields)
    path.write_text(json.dumps(fields))


def test_one_flipped_byte_in_any_file_is_found(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    for name in bundle.manifest.files:
        path = bundle.path(name)
        content = path.read_bytes()
        middle = len(content) // 2
        flipped = bytes([content[middle] ^ 1])
        path.write_bytes(content[:middle] + flipped + content[middle + 1 :])
        with pytest.raises(InputError, match=f"{name}: its content is not what manifest.json"):
            open_bundle(bundle.folder)
        path.write_bytes(content)
    assert open_bundle(bundle.folder).version == bundle.version


def test_a_truncated_or_absent_file_is_named(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    path = bundle.path("onnx/model.onnx")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"onnx/model\.onnx: its content"):
        open_bundle(bundle.folder)
    path.unlink()
    with pytest.raises(InputError, match=r"onnx/model\.onnx: in manifest\.json but absent"):
        open_bundle(bundle.folder)


def test_a_file_that_the_manifest_does_not_know_is_refused(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    (bundle.folder / "model" / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(InputError, match=r"pytorch_model\.bin: not in manifest\.json"):
        open_bundle(bundle.folder)


def test_a_file_replaced_by_a_link_is_refused(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    path = bundle.path("config.yaml")
    path.rename(tmp_path / "config.yaml")
    path.symlink_to(tmp_path / "config.yaml")
    with pytest.raises(InputError, match=r"config\.yaml: a bundle holds plain files only"):
        open_bundle(bundle.folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f["labels"].reverse(), "labels: not the registry labels in their order"),
        (lambda f: f.update(kind="astrology"), "kind 'astrology' is unknown here"),
        (lambda f: f.update(schema_version=2), "schema_version is 2, this installation reads 1"),
        (lambda f: f["weights"]["int8"].pop("thresholds"), "weights.int8.thresholds: Field req"),
        (lambda f: f.update(default_weights="int4"), "there are no weights 'int4'"),
        (lambda f: f.update(surprise=1), "surprise: Extra inputs"),
        (lambda f: f["weights"]["int8"].update(file="model/config.json"), "is not .safetensors or"),
    ],
)
def test_an_altered_manifest_is_refused_even_when_its_version_fits(
    tmp_path: Path, change: Callable[[Fields], None], message: str
) -> None:
    bundle = small_bundle(tmp_path / "b")
    rewrite(bundle.folder, change, forge=True)
    with pytest.raises(InputError, match=message) as refused:
        open_bundle(bundle.folder)
    assert "manifest.json" in str(refused.value)


def test_an_altered_manifest_no_longer_fits_its_version(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    rewrite(bundle.folder, lambda fields: fields.update(data_fingerprint="e" * 64))
    with pytest.raises(InputError, match="the manifest was altered"):
        open_bundle(bundle.folder)


@pytest.mark.parametrize(
    "path", ["../secret.json", "/etc/passwd.txt", "a/../../b.json", "a\\b.json"]
)
def test_paths_that_leave_the_bundle_are_refused(tmp_path: Path, path: str) -> None:
    bundle = small_bundle(tmp_path / "b")

    def escape(fields: Fields) -> None:
        fields["files"][path] = {"sha256": "0" * 64, "bytes": 1}

    rewrite(bundle.folder, escape, forge=True)
    with pytest.raises(InputError, match="not a plain path inside the bundle"):
        open_bundle(bundle.folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "{}"])
def test_a_broken_manifest_is_named(tmp_path: Path, content: str) -> None:
    bundle = small_bundle(tmp_path / "b")
    (bundle.folder / "manifest.json").write_text(content)
    with pytest.raises(InputError, match=r"manifest\.json: "):
        open_bundle(bundle.folder)


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a bundle"):
        open_bundle(tmp_path)
