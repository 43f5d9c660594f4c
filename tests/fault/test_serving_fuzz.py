"""Whatever is sent, the server's parts answer below 500, in one form, and keep it to themselves."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from small_training import exported
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from thce.serving import sampler
from thce.serving.config import FrontArgs, RegistryArgs, Safety
from thce.serving.front import Front
from thce.serving.registry_model import RegistryModel
from thce.serving.rules import Rules
from thce.serving.sampler import DisagreementSampler

PLANTED = "PLANTEDMARKER"
HOSTILE = 500
SOAK_HOSTILE = 10_000
OPTIONAL = ("structured", "cpt_codes", "id")
ODD = (None, 3, 2.5, True, "", "x" * 300, [], {}, [None], {"bal": 1}, {"bal": True}, {"x": True})


class Method:
    def __init__(self, function: Any) -> None:
        self.remote = function


class Handle:
    """A deployment as Serve's handle offers it, called in this process."""

    def __init__(self, replica: Any) -> None:
        self._replica = replica

    def __getattr__(self, name: str) -> Method:
        return Method(getattr(self._replica, name))


class Whole:
    """The proxy's part: `/v1/registry` is an application of its own, all else is the front's."""

    def __init__(self, registry: Any, front: Any) -> None:
        self._registry = registry
        self._front = front

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if "headers" in scope:  # the clients made from the description name another host
            others = [header for header in scope["headers"] if header[0] != b"host"]
            scope = {**scope, "headers": [(b"host", b"localhost"), *others]}
        if path == "/v1/registry" or path.startswith("/v1/registry/"):
            await self._registry({**scope, "root_path": "/v1/registry"}, receive, send)
        else:
            await self._front(scope, receive, send)


@pytest.fixture(scope="module")
def server(registry_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("fuzz")
    safety = Safety(audit=str(folder / "audit"), rate=1e9, burst=10**9)
    registry = RegistryModel(RegistryArgs(model=exported(registry_data).bundle, safety=safety))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "_handle", lambda _: Handle(registry))
        chooser = DisagreementSampler(Handle(Rules()), "registry", None, 30.0)
        front = Front(FrontArgs(store=str(folder / "store.sqlite"), safety=safety), Handle(chooser))
        yield Whole(registry.__serve_build_asgi_app__(), front.__serve_build_asgi_app__())
    written = [path for path in folder.rglob("*") if path.suffix == ".jsonl"]
    assert written
    for path in written:
        assert PLANTED not in path.read_text(encoding="utf-8", errors="replace")


@pytest.fixture(scope="module")
def client(server: Whole) -> Iterator[TestClient]:
    with TestClient(server, base_url="http://localhost", raise_server_exceptions=False) as opened:
        yield opened


def hostile_bodies(count: int, seed: int) -> Iterator[bytes]:
    """Bodies that are broken, or too much, each in another way."""
    rng = random.Random(seed)
    note = {"note_text": f"{PLANTED} bronchoscopy with BAL.", "cpt_codes": ["31624"]}
    good = json.dumps(note).encode()
    makers = (
        lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(200))),
        lambda: _damaged(good, rng),
        lambda: json.dumps(note | {"note_text": "\x00" * rng.randrange(1, 9)}).encode(),
        lambda: b'{"note_text": "\\ud8%02x"}' % rng.randrange(256),
        lambda: json.dumps(note | {"note_text": "\u202e\u2067" + _babble(rng)}).encode(),
        lambda: json.dumps({"note_text": "cough " * rng.choice((10, 1000, 30_000))}).encode(),
        lambda: b"[" * rng.choice((10, 40, 5000)) + b"]" * 10,
        lambda: b'{"a":' * rng.choice((10, 40, 5000)) + b"1" + b"}" * 10,
        lambda: b'{"note_text": "a", "x": %s}' % rng.choice((b"NaN", b"-Infinity", b"1e999")),
        lambda: b'{"note_text": "a", "note_text": "%d"}' % rng.randrange(9),
        lambda: json.dumps([note] * rng.choice((0, 2, 65))).encode(),
        lambda: json.dumps({"notes": rng.choice((None, 3, {}, [None], [[]], [3]))}).encode(),
        lambda: json.dumps(note | {rng.choice(OPTIONAL): rng.choice(ODD)}).encode(),
        lambda: json.dumps(note | {PLANTED: PLANTED}).encode(),
    )
    for _ in range(count):
        yield rng.choice(makers)()


def _damaged(body: bytes, rng: random.Random) -> bytes:
    found = bytearray(body)
    for _ in range(rng.randrange(1, 6)):
        found[rng.randrange(len(found))] = rng.randrange(256)
    return bytes(found)


def _babble(rng: random.Random) -> str:
    return "".join(chr(rng.choice((0x5D0, 0x627, 0x1F600, 0x20, 0xFFFD))) for _ in range(50))


def send_hostile(client: TestClient, count: int) -> dict[int, int]:
    """Sends them to every route that takes a body; the statuses."""
    statuses: dict[int, int] = {}
    paths = ("/v1/registry", "/v1/sample", "/v1/annotate/next", "/v1/session")
    for number, body in enumerate(hostile_bodies(count, seed=count)):
        reply = client.post(
            paths[number % len(paths)], content=body, headers={"Content-Type": "application/json"}
        )
        statuses[reply.status_code] = statuses.get(reply.status_code, 0) + 1
        assert reply.status_code < 500, (paths[number % len(paths)], body[:200], reply.text)
        if reply.status_code >= 400:
            assert set(reply.json()) == {"error"}
            assert PLANTED not in reply.text
    return statuses


def test_hostile_bodies_are_refused(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    statuses = send_hostile(client, HOSTILE)
    assert statuses.get(200, 0) and statuses.get(400, 0) and statuses.get(422, 0)
    assert PLANTED not in caplog.text


@pytest.mark.soak
def test_ten_thousand_hostile_bodies(client: TestClient) -> None:
    assert sum(send_hostile(client, SOAK_HOSTILE).values()) == SOAK_HOSTILE


def ask_from_description(server: Whole, examples: int) -> int:
    """Requests made from the OpenAPI description, to every route that asks no other process."""
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", server).include(
        path_regex=r"^/v1/(registry|sample|batches|overrides|health|session)$"
    )
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=examples,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        )
        @given(case=operation.as_strategy())
        def answered(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            assert case.call().status_code < 500, case.as_curl_command()

        answered()
    return asked


def test_requests_made_from_the_description_are_answered(server: Whole) -> None:
    assert ask_from_description(server, 20) > 100


@pytest.mark.soak
def test_many_requests_made_from_the_description(server: Whole) -> None:
    assert ask_from_description(server, 1500) > 5000
