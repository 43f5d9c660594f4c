"""`thce bundles` as typed."""

import json
import shutil
from pathlib import Path

import pytest
from small_bundle import small_bundle, spec
from small_training import exported
from typer.testing import CliRunner

from thce.bundles.build import build
from thce.bundles.cli import app
from thce.errors import Finding, InputError
from thce.registry.fuse import Fusion


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))


def typed(*words: str) -> str:
    """Runs one command and returns what it printed; what it raised is raised."""
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None:
        raise result.exception
    return result.stdout


def test_show_and_verify_name_version_weights_and_metrics(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    shown = typed("show", str(bundle.folder))
    assert bundle.version in shown
    assert "int8 (default)" in shown
    assert "macro_f1 0.610 (0.520 to 0.700) on test, 40 notes" in shown
    manifest = json.loads(typed("show", str(bundle.folder), "--json"))
    assert manifest["version"] == bundle.version
    assert json.loads(typed("verify", str(bundle.folder), "--json"))["valid"] is True


def test_verify_refuses_a_tampered_bundle(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "b")
    bundle.path("fusion.json").write_text("{}")
    with pytest.raises(InputError, match=r"fusion\.json"):
        typed("verify", str(bundle.folder))


def test_publish_promote_history_and_rollback(tmp_path: Path, registry_data: Path) -> None:
    bundle = exported(registry_data)
    target = str(tmp_path / "published")
    assert json.loads(typed("publish", bundle.bundle, target, "--json"))["path"] == target
    typed("promote", target)
    worse = tmp_path / "worse"
    shutil.copytree(bundle.bundle, worse)
    (worse / "manifest.json").unlink()
    Fusion(policy="model").save(worse / "fusion.json")
    second = build(worse, spec())
    notes = tmp_path / "frozen.jsonl"
    lines = (registry_data / "registry_notes_a.jsonl").read_text(encoding="utf-8").splitlines()
    notes.write_text("\n".join(lines[:30]), encoding="utf-8")
    with pytest.raises(Finding, match="gate failed"):
        typed("promote", str(worse), "--test", str(notes))
    typed("promote", str(worse), "--test", str(notes), "--min-difference", "-1")
    assert "macro_f1" in typed("history").splitlines()[1]  # what it was decided on
    assert second.version in typed("show", "champion:registry")
    answer = json.loads(typed("rollback", "--json"))
    assert answer["champion"] == bundle.report["version"]
    history = json.loads(typed("history", "--json"))
    assert [entry["action"] for entry in history["history"]] == ["promote", "promote", "rollback"]
    assert history["champion"] == bundle.report["version"]
