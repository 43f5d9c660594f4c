"""The registry's replica without Serve: rows as of `score`, swaps, partial answers, refusals."""

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_training import exported, shipped_notes
from starlette.testclient import TestClient

from thce.bundles.channel import channel_folder
from thce.bundles.load import open_bundle
from thce.bundles.promote import rollback
from thce.bundles.publish import publish
from thce.notes.read import read_notes
from thce.registry.predict import Predictor
from thce.registry.scored import json_rows, score_notes
from thce.serving import registry_model
from thce.serving.config import RegistryArgs, Safety
from thce.serving.problems import ProblemError
from thce.serving.registry_model import RegistryModel
from thce.serving.score_queue import ScoreQueue


@pytest.fixture(scope="module")
def bundle(registry_data: Path) -> str:
    return exported(registry_data).bundle


@pytest.fixture(scope="module")
def model(bundle: str) -> RegistryModel:
    return RegistryModel(RegistryArgs(model=bundle, safety=Safety(audit=None, rate=1e6)))


def client(model: RegistryModel) -> TestClient:
    app = model.__serve_build_asgi_app__()
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def asked(model: RegistryModel) -> Iterator[TestClient]:
    with client(model) as opened:
        yield opened


def test_the_rows_are_those_of_the_score_step(
    asked: TestClient, bundle: str, registry_data: Path, tmp_path: Path
) -> None:
    rows = [
        {"id": row["id"], "note_text": row["text"], "cpt_codes": row.get("cpt_codes", [])}
        for row in shipped_notes(registry_data, each=8)
    ]
    file = tmp_path / "notes.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    predictor = Predictor.open(bundle)
    expected = json_rows(score_notes(predictor, read_notes(str(file), quarantine=None)))
    together = asked.post("/", json=rows).json()
    assert together["results"] == expected
    assert together["version"] == predictor.bundle.version
    assert together["suggestion"] is True and together["degraded"] is False
    alone = [asked.post("/", json=row).json()["results"][0] for row in rows]
    assert alone == expected


def test_a_planted_text_is_in_no_error(asked: TestClient) -> None:
    planted = "PLANTED-MARKER Jane Miller"
    for body in (
        {"note_text": planted, "cpt_codes": {planted: 1}},
        {"note_text": planted, "structured": {planted: True}},
        {"note_text": [planted]},
        {planted: planted},
        {"note_text": planted + "\x00"},
    ):
        reply = asked.post("/", json=body)
        assert reply.status_code == 422
        assert "PLANTED" not in reply.text and "Miller" not in reply.text


def test_a_promoted_bundle_answers_without_a_dropped_request(
    bundle: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = str(tmp_path / "channel")
    first = open_bundle(bundle)
    second = _another(bundle, tmp_path / "second")
    for one in (first.folder, second):
        publish(one, f"{channel_folder(channel)}/{open_bundle(str(one)).version}")
    _promote(channel, first.version)
    args = RegistryArgs(
        model=f"champion:{channel}", follow_seconds=0.05, safety=Safety(audit=None, rate=1e6)
    )
    served = RegistryModel(args)
    versions: list[str] = []
    statuses: list[int] = []
    with client(served) as asked:

        def ask_until(version: str) -> None:
            ends = time.monotonic() + 20
            while time.monotonic() < ends:
                reply = asked.post("/", json={"note_text": "BAL of the lingula."})
                statuses.append(reply.status_code)
                versions.append(reply.json()["version"])
                if versions[-1] == version:
                    return
            raise AssertionError(f"{version} never answered")

        ask_until(first.version)
        _promote(channel, open_bundle(str(second)).version)
        ask_until(open_bundle(str(second)).version)
        rollback(channel)
        ask_until(first.version)
        _promote(channel, "0" * 16)  # a version that is not there: the one before goes on
        time.sleep(0.3)
        ask_until(first.version)
    assert set(statuses) == {200}


def _another(bundle: str, folder: Path) -> Path:
    """The same model under another version: its card says more."""
    from thce.bundles.build import BundleSpec, build

    shutil.copytree(bundle, folder)
    manifest = open_bundle(bundle).manifest
    (folder / "manifest.json").unlink()
    (folder / "README.md").write_text("# Another card\n", encoding="utf-8")
    spec = BundleSpec(
        kind="registry",
        code_set=manifest.code_set,
        data_fingerprint=manifest.data_fingerprint,
        base=manifest.base,
        parent=manifest.version,
        weights=manifest.weights,
        default_weights=manifest.default_weights,
    )
    build(folder, spec)
    return folder


def _promote(channel: str, version: str) -> None:
    """The ledger's entry alone; the gate has tests of its own."""
    from thce.bundles.channel import LedgerEntry, append, now, read_ledger

    entry = LedgerEntry(action="promote", version=version, at=now())
    append(channel, read_ledger(channel), entry)


def test_what_is_not_scored_in_time_is_left_out_and_said(
    bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = RegistryModel(RegistryArgs(model=bundle, seconds=0.5, safety=Safety(audit=None)))
    usual = registry_model._score
    monkeypatch.setattr(slow._queue, "_score", lambda work: _delayed(usual, work))
    rows = [{"id": "quick", "note_text": "BAL."}, {"id": "slow", "note_text": "slow " * 50}]
    with client(slow) as asked:
        reply = asked.post("/", json=rows).json()
        assert reply["degraded"] is True
        assert [set(row) for row in reply["results"]][1] == {"encounter_id", "error"}
        assert reply["results"][0]["accept"] is not None
        late = asked.post("/", json=rows[1])
        assert late.status_code == 503 and int(late.headers["Retry-After"]) > 0


def _delayed(score: Any, work: Any) -> Any:
    if "slow" in work.notes["note_text"][0].as_py():
        time.sleep(2.0)
    return score(work)


def test_a_full_queue_refuses_and_says_when_to_come_again() -> None:
    async def scenario() -> None:
        begun, go_on = threading.Event(), threading.Event()

        def score(note: int) -> int:
            begun.set()
            go_on.wait(10)
            return note

        queue = ScoreQueue[int, int](score, sessions=1, waiting=2)
        running = queue.put([0], [10])
        await asyncio.to_thread(begun.wait)
        waiting = queue.put([1, 2], [10, 10])
        with pytest.raises(ProblemError) as raised:
            queue.put([3], [10])
        assert raised.value.status == 503 and raised.value.retry_after == 1
        waiting[1].cancel()
        await asyncio.sleep(0)
        again = queue.put([4], [10])  # who gave up makes room
        go_on.set()
        assert await asyncio.gather(*running, waiting[0], *again) == [0, 1, 4]
        queue.close()

    asyncio.run(scenario())


def test_a_short_note_overtakes_a_long_list_and_nobody_waits_for_ever() -> None:
    async def scenario() -> list[str]:
        begun, go_on = threading.Event(), threading.Event()
        order: list[str] = []

        def score(note: str) -> str:
            begun.set()
            go_on.wait(10)
            order.append(note)
            return note

        queue = ScoreQueue[str, str](score, sessions=1, waiting=100)
        futures = queue.put(["first"], [10])
        await asyncio.to_thread(begun.wait)
        futures += queue.put([f"list {number}" for number in range(20)], [40_000] * 20)
        futures += queue.put(["single"], [100])
        go_on.set()
        await asyncio.gather(*futures)
        queue.close()
        return order

    order = asyncio.run(scenario())
    assert order.index("single") == 1
    assert order[2:] == [f"list {number}" for number in range(20)]


def test_an_error_of_one_note_is_not_another_ones() -> None:
    async def scenario() -> None:
        def score(note: int) -> int:
            if note == 1:
                raise ValueError(note)
            return note

        queue = ScoreQueue[int, int](score, sessions=2, waiting=10)
        found = await asyncio.gather(*queue.put([0, 1, 2], [1, 1, 1]), return_exceptions=True)
        queue.close()
        assert found[0] == 0 and found[2] == 2 and isinstance(found[1], ValueError)

    asyncio.run(scenario())


def test_the_model_is_described_with_its_card(model: RegistryModel, bundle: str) -> None:
    found = model.describe()
    assert found["manifest"]["version"] == open_bundle(bundle).version
    assert "#" in found["model_card"] and len(found["labels"]) == 29
    opinion = asyncio.run(model.opinion(["BAL of the lingula."]))
    assert opinion.probabilities.shape == (1, 29)
    assert np.array_equal(opinion.accept, opinion.probabilities >= opinion.thresholds)
