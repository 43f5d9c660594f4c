"""Publishing: the whole bundle or nothing, on local disk and on remote storage."""

import shutil
from pathlib import Path
from uuid import uuid4

import pytest
from small_bundle import small_bundle

from thce.bundles.load import open_bundle
from thce.bundles.publish import publish
from thce.errors import InputError


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A URL on fsspec's in-memory storage, and a cache of its own."""
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    return f"memory://{uuid4().hex}/bundle"


def test_a_published_bundle_opens_and_leaves_nothing_else_behind(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "staging")
    target = publish(bundle.folder, str(tmp_path / "out" / "published"))
    assert open_bundle(target).version == bundle.version
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["published"]


def test_publishing_the_same_again_is_no_error_and_another_is(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "a")
    target = publish(bundle.folder, str(tmp_path / "published"))
    assert publish(bundle.folder, target) == target
    other = small_bundle(tmp_path / "b", seed=1)
    with pytest.raises(InputError, match=f"holds bundle {bundle.version}, not {other.version}"):
        publish(other.folder, target)
    assert open_bundle(target).version == bundle.version


def test_a_folder_in_the_way_is_left_alone(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "a")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="in the way"):
        publish(bundle.folder, str(tmp_path / "taken"))
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["notes.txt"]


def test_a_remote_bundle_is_fetched_once_and_checked(tmp_path: Path, remote: str) -> None:
    bundle = small_bundle(tmp_path / "a")
    publish(bundle.folder, remote)
    opened = open_bundle(remote)
    assert opened.version == bundle.version
    assert opened.folder == tmp_path / "home" / "bundles" / bundle.version
    marker = opened.path("README.md").stat().st_ino
    assert open_bundle(remote).path("README.md").stat().st_ino == marker


def test_a_damaged_cached_copy_is_fetched_again(tmp_path: Path, remote: str) -> None:
    bundle = small_bundle(tmp_path / "a")
    publish(bundle.folder, remote)
    cached = open_bundle(remote)
    cached.path("onnx/model.onnx").write_bytes(b"rotten")
    assert open_bundle(remote).path("onnx/model.onnx").read_bytes() != b"rotten"


def test_a_part_published_remote_bundle_is_not_there(tmp_path: Path, remote: str) -> None:
    from fsspec.core import url_to_fs

    bundle = small_bundle(tmp_path / "a")
    filesystem, root = url_to_fs(remote)
    for name in list(bundle.manifest.files)[:4]:
        filesystem.pipe_file(f"{root}/{name}", bundle.path(name).read_bytes())
    with pytest.raises(InputError, match="is not a bundle"):
        open_bundle(remote)
    publish(bundle.folder, remote)
    assert open_bundle(remote).version == bundle.version


def test_a_remote_bundle_that_does_not_match_is_refused_by_its_url(
    tmp_path: Path, remote: str
) -> None:
    from fsspec.core import url_to_fs

    bundle = small_bundle(tmp_path / "a")
    publish(bundle.folder, remote)
    filesystem, root = url_to_fs(remote)
    filesystem.pipe_file(f"{root}/config.yaml", b"head_tokens: 1\n")
    with pytest.raises(InputError, match=rf"{remote}/config\.yaml: its content"):
        open_bundle(remote)
    filesystem.rm_file(f"{root}/config.yaml")
    with pytest.raises(InputError, match=rf"{remote}/config\.yaml: in manifest\.json but absent"):
        open_bundle(remote)
    assert not list((tmp_path / "home" / "bundles").iterdir())


def test_a_copy_that_breaks_off_leaves_no_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = small_bundle(tmp_path / "a")
    copy = shutil.copyfile

    def full_disk(source: Path, target: Path) -> None:
        if Path(source).name == "tokenizer.json":
            raise OSError(28, "No space left on device")
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        publish(bundle.folder, str(tmp_path / "out" / "published"))
    assert list((tmp_path / "out").iterdir()) == []


def test_whoever_may_read_the_parent_folder_may_read_the_bundle(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "a")
    bundle.folder.chmod(0o700)
    bundle.path("model/model.safetensors").chmod(0o600)
    target = Path(publish(bundle.folder, str(tmp_path / "published")))
    plain = tmp_path / "plain"
    plain.mkdir()
    assert target.stat().st_mode == plain.stat().st_mode
    written = tmp_path / "written"
    written.touch()
    assert (target / "model" / "model.safetensors").stat().st_mode == written.stat().st_mode
