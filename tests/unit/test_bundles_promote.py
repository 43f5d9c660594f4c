"""Promotion past a champion by a gate, the way back, and what `champion:` names."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from small_bundle import small_bundle, spec
from small_training import exported

from thce.bundles.build import build
from thce.bundles.channel import read_ledger
from thce.bundles.gate import Gate
from thce.bundles.load import open_bundle
from thce.bundles.promote import promote, rollback
from thce.bundles.verify import Bundle
from thce.errors import Finding, InputError
from thce.registry.fuse import Fusion, Policy

CHANNEL = "registry"
ANY = Gate(minimum_difference=-1.0)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THCE_HOME", str(tmp_path / "home"))


@pytest.fixture
def answering(tmp_path: Path, registry_data: Path) -> Callable[[Policy], Bundle]:
    """Bundles that really answer: random weights, joined with the rules by the given policy."""

    def make(policy: Policy) -> Bundle:
        folder = tmp_path / policy
        shutil.copytree(exported(registry_data).bundle, folder)
        (folder / "manifest.json").unlink()
        Fusion(policy=policy).save(folder / "fusion.json")
        return build(folder, spec())

    return make


@pytest.fixture
def frozen_test(tmp_path: Path, registry_data: Path) -> str:
    """Thirty labelled notes."""
    path = tmp_path / "frozen.jsonl"
    lines = (registry_data / "registry_notes_a.jsonl").read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:30]), encoding="utf-8")
    return str(path)


def test_the_first_bundle_becomes_champion_without_a_contest(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "a")
    with pytest.raises(InputError, match="no bundle was promoted"):
        open_bundle("champion:registry")
    promote(str(bundle.folder), CHANNEL)
    champion = open_bundle("champion:registry")
    assert champion.version == bundle.version
    assert champion.folder == tmp_path / "home" / "registry" / "bundles" / bundle.version


def test_past_a_champion_goes_only_who_is_measured_and_better(
    answering: Callable[[Policy], Bundle], frozen_test: str
) -> None:
    random_weights, rules = answering("model"), answering("rule")
    promote(str(random_weights.folder), CHANNEL)
    with pytest.raises(InputError, match="give --test, the frozen test set"):
        promote(str(rules.folder), CHANNEL)
    promote(str(rules.folder), CHANNEL, Gate(minimum_low=0.0), frozen_test)
    assert open_bundle("champion:registry").version == rules.version
    with pytest.raises(Finding, match="gate failed: macro_f1"):
        promote(str(random_weights.folder), CHANNEL, Gate(), frozen_test)
    assert open_bundle("champion:registry").version == rules.version


def test_the_history_keeps_what_each_promotion_was_decided_on(
    answering: Callable[[Policy], Bundle], frozen_test: str
) -> None:
    first, second = answering("model"), answering("rule")
    promote(str(first.folder), CHANNEL)
    promote(str(second.folder), CHANNEL, Gate(metric="micro_f1"), frozen_test)
    entry = read_ledger(CHANNEL).history[-1]
    assert entry.gate == {"metric": "micro_f1", "minimum_difference": 0.0}
    assert entry.evidence is not None
    assert (entry.evidence["candidate"], entry.evidence["champion"]) == (
        second.version,
        first.version,
    )
    found = entry.evidence["metrics"]["micro_f1"]
    assert found["difference"] == pytest.approx(found["candidate"] - found["champion"])
    assert found["low"] <= found["difference"] <= found["high"]


def test_rolling_back_twice_goes_back_twice(
    answering: Callable[[Policy], Bundle], frozen_test: str
) -> None:
    bundles = [answering("model"), answering("rule"), answering("union")]
    for bundle in bundles:
        promote(str(bundle.folder), CHANNEL, ANY, frozen_test)
    assert rollback(CHANNEL).champion == bundles[1].version
    assert rollback(CHANNEL).champion == bundles[0].version
    with pytest.raises(InputError, match="no earlier champion"):
        rollback(CHANNEL)
    actions = [entry.action for entry in read_ledger(CHANNEL).history]
    assert actions == ["promote"] * 3 + ["rollback"] * 2
    assert open_bundle("champion:registry").version == bundles[0].version


def test_a_rollback_to_a_damaged_bundle_is_refused(
    answering: Callable[[Policy], Bundle], frozen_test: str
) -> None:
    first, second = answering("model"), answering("rule")
    promote(str(first.folder), CHANNEL)
    stored = open_bundle("champion:registry")
    promote(str(second.folder), CHANNEL, ANY, frozen_test)
    stored.path("thresholds.json").write_text("{}")
    with pytest.raises(InputError, match=r"thresholds\.json"):
        rollback(CHANNEL)
    assert read_ledger(CHANNEL).champion == second.version


def test_promoting_the_champion_again_changes_nothing(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "a")
    once = promote(str(bundle.folder), CHANNEL)
    assert promote(str(bundle.folder), CHANNEL) == once


def test_a_remote_channel_serves_its_champion(tmp_path: Path) -> None:
    bundle = small_bundle(tmp_path / "a")
    promote(str(bundle.folder), f"memory://{tmp_path.name}")
    assert open_bundle(f"champion:memory://{tmp_path.name}").version == bundle.version


@pytest.mark.parametrize(
    "content", ["{", "{}x", '{"history": [{"action": "rollback", "version": "a", "at": "b"}]}']
)
def test_a_broken_ledger_is_named_and_never_taken_for_an_empty_one(
    tmp_path: Path, content: str
) -> None:
    bundle = small_bundle(tmp_path / "a")
    promote(str(bundle.folder), CHANNEL)
    ledger = tmp_path / "home" / "registry" / "bundles" / "champion.json"
    ledger.write_text(content)
    with pytest.raises(InputError, match=r"champion\.json: not a valid ledger"):
        promote(str(bundle.folder), CHANNEL)
    assert ledger.read_text() == content
