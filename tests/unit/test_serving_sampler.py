"""The sampler: what each child says decides, and a child that is slow or dead is done without."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from small_training import exported, shipped_notes
from starlette.testclient import TestClient

from thce.annotations.store import AnnotationStore
from thce.notes.rows import Note, to_table
from thce.registry.hydrate_ray import prepare_and_hydrate
from thce.registry.labels import N_FLAGS, Flag
from thce.serving import sampler
from thce.serving.config import FrontArgs, RegistryArgs, Safety
from thce.serving.front import Front
from thce.serving.messages import SampleAsked
from thce.serving.problems import ProblemError
from thce.serving.registry_model import RegistryModel
from thce.serving.rules import Rules
from thce.serving.sampler import DisagreementSampler, StoreView

NO_LABELS = StoreView({}, np.zeros(N_FLAGS, np.int64))


class Method:
    """A method as Serve's handle offers it, called in this process."""

    def __init__(self, function: Any) -> None:
        self.remote = function


class Handle:
    """A deployment as Serve's handle offers it."""

    def __init__(self, replica: Any) -> None:
        self._replica = replica

    def __getattr__(self, name: str) -> Method:
        return Method(getattr(self._replica, name))


class Slow:
    async def opinion(self, texts: list[str]) -> Any:
        await asyncio.sleep(60)

    async def codes(self, notes: Any) -> Any:
        await asyncio.sleep(60)

    async def hydrate(self, notes: pa.Table) -> pa.Table:
        await asyncio.sleep(60)
        return notes


class Billing:
    """A coder that finds the code of a lavage in everything."""

    async def codes(self, notes: list[tuple[str, str]]) -> tuple[str, list[list[str]]]:
        return "v", [["31624"] for _ in notes]


@pytest.fixture(scope="module")
def registry(registry_data: Path) -> RegistryModel:
    safety = Safety(audit=None)
    return RegistryModel(RegistryArgs(model=exported(registry_data).bundle, safety=safety))


@pytest.fixture(scope="module")
def notes(registry_data: Path) -> list[Note]:
    return [
        Note(row["id"], row["text"], row.get("cpt_codes", []), None, None, None)
        for row in shipped_notes(registry_data, "a", 12)
    ]


def asked(**fields: Any) -> SampleAsked:
    return SampleAsked.model_validate({"notes": [{"note_text": "x"}], "batch": "b"} | fields)


def with_children(monkeypatch: pytest.MonkeyPatch, **children: Any) -> DisagreementSampler:
    def handle(name: str) -> Handle:
        if name not in children:
            raise sampler._Silent
        return Handle(children[name])

    monkeypatch.setattr(sampler, "_handle", handle)
    return DisagreementSampler(Handle(Rules()), "registry", "coder", 5.0)


def test_all_children_have_their_say(
    monkeypatch: pytest.MonkeyPatch, registry: RegistryModel, notes: list[Note]
) -> None:
    bare = [Note(note.encounter_id, note.note_text, [], None, None, None) for note in notes]
    chooser = with_children(monkeypatch, registry=registry, coder=Billing())
    found = asyncio.run(chooser.choose(bare, asked(limit=5, coder=True), NO_LABELS))
    assert found.strategy == "disagreement" and found.degraded == ()
    assert found.model_version == registry.describe()["manifest"]["version"]
    assert len(found.tasks) == 5
    for task in found.tasks:
        assert task.meta["cpt_codes"] == ["31624"]
        assert Flag.BAL.value in task.meta["cpt_accept"]
        assert set(task.meta["probabilities"]) == {flag.value for flag in Flag}
    scores = [task.meta["counted_disagreement_score"] for task in found.tasks]
    assert scores == sorted(scores, reverse=True)
    texts = dict(
        zip(
            (note.encounter_id for note in bare),
            prepare_and_hydrate(to_table(bare))["text"].to_pylist(),
            strict=True,
        )
    )
    assert all(task.text == texts[task.encounter_id] for task in found.tasks)


@pytest.mark.parametrize("strategy", ["disagreement", "uncertainty", "random", "hybrid"])
def test_without_the_model_the_rules_choose_and_the_reply_says_so(
    monkeypatch: pytest.MonkeyPatch, notes: list[Note], strategy: str
) -> None:
    chooser = with_children(monkeypatch)
    found = asyncio.run(chooser.choose(notes, asked(strategy=strategy, coder=True), NO_LABELS))
    assert "registry" in found.degraded
    assert found.model_version is None
    assert all(task.meta["ml_accept"] == [] for task in found.tasks)
    assert found.strategy not in ("disagreement", "uncertainty")


def test_a_slow_child_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, registry: RegistryModel, notes: list[Note]
) -> None:
    bare = [Note("bare", "BAL of the lingula was performed.", [], None, None, None)]
    chooser = with_children(monkeypatch, registry=Slow(), coder=Slow())
    chooser._seconds = 0.3
    found = asyncio.run(chooser.choose(bare, asked(coder=True), NO_LABELS))
    assert found.degraded == ("coder", "registry")
    assert [task.meta["cpt_codes"] for task in found.tasks] == [[]]
    dead = DisagreementSampler(Handle(Slow()), None, None, 0.2)
    with pytest.raises(ProblemError, match="rules do not answer"):
        asyncio.run(dead.choose(bare, asked(), NO_LABELS))


def test_blocked_notes_are_counted_and_not_chosen(
    monkeypatch: pytest.MonkeyPatch, registry: RegistryModel, notes: list[Note]
) -> None:
    chooser = with_children(monkeypatch, registry=registry)
    view = StoreView({note.encounter_id: "answered" for note in notes[:-1]}, NO_LABELS.label_counts)
    found = asyncio.run(chooser.choose(notes, asked(), view))
    assert [task.encounter_id for task in found.tasks] == [notes[-1].encounter_id]
    assert found.left_out == {"answered": len(notes) - 1}


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch, registry: RegistryModel, tmp_path: Path) -> TestClient:
    chooser = with_children(monkeypatch, registry=registry)
    store = str(tmp_path / "annotations.sqlite")
    args = FrontArgs(store=store, limit=50, safety=Safety(audit=str(tmp_path / "audit")))
    app = Front(args, Handle(chooser)).__serve_build_asgi_app__()
    return TestClient(app, base_url="http://localhost", raise_server_exceptions=False)


def rows(notes: list[Note]) -> list[dict[str, Any]]:
    return [
        {"note_text": one.note_text, "id": one.encounter_id, "cpt_codes": one.cpt_codes}
        for one in notes
    ]


def test_a_sample_is_appended_once(front: TestClient, notes: list[Note], tmp_path: Path) -> None:
    body = {"notes": rows(notes), "batch": "round-1", "limit": 4}
    first = front.post("/v1/sample", json=body)
    assert first.status_code == 200, first.text
    assert (first.json()["created"], first.json()["existing"]) == (4, 0)
    again = front.post("/v1/sample", json=body).json()
    assert (again["created"], again["existing"]) == (0, 4)
    assert again["encounter_ids"] == first.json()["encounter_ids"]
    more = front.post("/v1/sample", json=body | {"limit": 6}).json()
    assert (more["created"], more["existing"]) == (2, 4)
    (batch,) = front.get("/v1/batches").json()
    assert (batch["batch"], batch["tasks"], batch["answered"]) == ("round-1", 6, 0)
    with AnnotationStore.open(tmp_path / "annotations.sqlite") as store:
        assert len(store.tasks("round-1")) == 6
    refused = front.post("/v1/sample", json=body | {"overlap": 2})
    assert refused.status_code == 409 and refused.json()["error"]["field"] == "batch"
    elsewhere = front.post("/v1/sample", json=body | {"batch": "round-2", "limit": 50}).json()
    assert sum(elsewhere["left_out"].values()) + elsewhere["created"] <= len(notes)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategy": "best"}, "strategy"),
        ({"limit": 0}, "limit"),
        ({"limit": 51}, "limit"),
        ({"batch": "../etc"}, "batch"),
        ({"blind_fraction": 2}, "blind_fraction"),
        ({"notes": []}, "notes"),
        ({"notes": [{"note_text": 3}]}, "notes[0].note_text"),
        ({"colour": 3}, "colour"),
    ],
)
def test_a_wrong_sample_names_its_field(
    front: TestClient, change: dict[str, Any], field: str
) -> None:
    body = {"notes": [{"note_text": "BAL."}], "batch": "b"} | change
    reply = front.post("/v1/sample", json=body)
    assert reply.status_code == 422
    assert reply.json()["error"]["field"] == field


def test_health_needs_nobody_and_openapi_tells_all(front: TestClient) -> None:
    assert front.get("/v1/health").json() == {"status": "ok"}
    described = front.get("/v1/openapi.json").json()
    assert {"/v1/registry", "/v1/codes", "/v1/sample", "/v1/batches", "/metrics"} <= set(
        described["paths"]
    )
    body = described["paths"]["/v1/registry"]["post"]["requestBody"]["content"]
    assert body["application/json"]["schema"]["anyOf"][0]["examples"][0]["note_text"]
    page = front.get("/annotate/")
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]
    assert "script-src 'self'" in page.headers["content-security-policy"]
