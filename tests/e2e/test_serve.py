"""`thce serve` as its user runs it: every endpoint, tokens, a killed replica, SIGTERM."""

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from served import Served, audit_lines, descendants, listening, served
from small_graph import small_graph, small_model
from small_training import exported, shipped_notes

from thce.bundles.load import open_bundle
from thce.codes.code_types import CodeType
from thce.codes.load import load_catalogue
from thce.serving.tokens import Caller, Role, add_token

PLANTED = "PLANTEDMARKER"
NOTE = {
    "note_text": f"Bronchoscopy, {PLANTED}. Bronchoalveolar lavage of the lingula was performed.",
    "encounter_id": "enc-1",
    "cpt_codes": ["31624"],
}


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    file = tmp_path_factory.mktemp("tokens") / "tokens.json"
    made = {role.value: add_token(file, Caller(f"the {role}", role)) for role in Role}
    return made | {"file": str(file)}


@pytest.fixture(scope="module")
def server(
    registry_data: Path, tokens: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    small_graph(small_model(folder / "coder" / "tokenizer"), folder / "coder" / "onnx" / "int4")
    arguments = ["--model", exported(registry_data).bundle, "--coder", str(folder / "coder")]
    with served(folder, *arguments, "--token-file", tokens["file"]) as running:
        yield running


@pytest.fixture
def client(server: Served, tokens: dict[str, str]) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {tokens['admin']}"}
    with httpx.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False) as opened:
        yield opened


def test_every_part_is_ready_and_says_what_it_serves(
    client: httpx.Client, registry_data: Path
) -> None:
    assert client.get("/v1/health").json() == {"status": "ok"}
    ready = client.get("/v1/ready")
    assert ready.status_code == 200 and ready.json() == {"ready": {"registry": True, "coder": True}}
    version = open_bundle(exported(registry_data).bundle).version
    assert client.get("/v1/model").json()["registry"]["manifest"]["version"] == version
    reply = client.post("/v1/registry", json=NOTE)
    assert reply.status_code == 200, reply.text
    assert reply.json()["version"] == version
    assert reply.json()["results"][0]["source"]["bal"] in ("rule", "both")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_codes_come_whole_and_as_they_are_written(client: httpx.Client) -> None:
    whole = client.post("/v1/codes", json=NOTE | {"code_type": "CPT"}).json()
    (code,) = whole["results"][0]["codes"]
    assert code["code"] in load_catalogue(CodeType.CPT).billable_codes(None)
    body = NOTE | {"code_type": "CPT", "stream": True}
    with client.stream("POST", "/v1/codes", json=body) as reply:
        lines = [line for line in reply.iter_lines() if line]
    assert lines[-2] == "event: answer"
    assert json.loads(lines[-1].removeprefix("data: ")) == whole
    assert lines.count("event: text") > 5


def test_a_sample_is_made_of_all_three_and_appended_once(
    client: httpx.Client, registry_data: Path
) -> None:
    notes = [
        {"note_text": row["text"], "id": row["id"]} for row in shipped_notes(registry_data, "b", 6)
    ]
    body = {"notes": notes, "batch": "round-1", "limit": 3, "coder": True}
    first = client.post("/v1/sample", json=body)
    assert first.status_code == 200, first.text
    found = first.json()
    assert (found["created"], found["degraded"], found["strategy"]) == (3, [], "disagreement")
    assert client.post("/v1/sample", json=body).json()["existing"] == 3
    (batch,) = client.get("/v1/batches").json()
    assert batch["tasks"] == 3
    page = client.get("/annotate/")
    assert page.status_code == 200 and "text/html" in page.headers["content-type"]
    shown = client.post("/v1/annotate/next", json={"batch": "round-1"})
    assert shown.status_code == 200, shown.text
    assert shown.json()["task"]["encounter_id"] in found["encounter_ids"]


def test_nobody_is_served_beyond_their_role(server: Served, tokens: dict[str, str]) -> None:
    with httpx.Client(base_url=server.url, timeout=60, trust_env=False) as nobody:
        for path in ("/v1/registry", "/v1/codes", "/v1/sample"):
            assert nobody.post(path, json=NOTE).status_code == 401, path
        for path in ("/v1/batches", "/v1/model", "/metrics", "/v1/openapi.json"):
            assert nobody.get(path).status_code == 401, path
        annotator = {"Authorization": f"Bearer {tokens['annotate']}"}
        assert nobody.post("/v1/registry", json=NOTE, headers=annotator).status_code == 403
        assert nobody.post("/v1/sample", json=NOTE, headers=annotator).status_code == 403
        assert nobody.get("/v1/batches", headers=annotator).status_code == 200


def test_what_is_not_json_or_too_much_is_refused(client: httpx.Client) -> None:
    for path in ("/v1/registry", "/v1/codes", "/v1/sample"):
        headers = {"Content-Type": "application/json"}
        for body, status in (
            (b'{"note_text": NaN}', 400),
            (b"\xff\xfe", 400),
            (b"[" * 10_000, 400),
            (b'{"note_text": "\\ud800"}', 400),
            (b'{"note_text": "a", "note_text": "b"}', 400),
            (b'{"note_text": "' + b"x" * 2_000_000 + b'"}', 413),
        ):
            reply = client.post(path, content=body, headers=headers)
            assert reply.status_code == status, (path, body[:20], reply.text)
            assert reply.json()["error"]["message"]


def test_five_hundred_planted_texts_are_in_no_reply(client: httpx.Client) -> None:
    """That they are in no log either is looked at when the server has ended."""
    for start in range(0, 500, 50):
        planted = [
            f"{PLANTED}{number} lavage of the lingula." for number in range(start, start + 50)
        ]
        scored = client.post("/v1/registry", json=[{"note_text": text} for text in planted])
        assert scored.status_code == 200 and PLANTED not in scored.text
        for body in (
            {"note_text": planted[0], "structured": {planted[1]: True}},
            {"note_text": planted[2], "cpt_codes": {planted[3]: 1}},
            {planted[4]: planted[5]},
        ):
            refused = client.post("/v1/registry", json=body)
            assert refused.status_code == 422 and PLANTED not in refused.text


def test_the_proxy_and_the_replicas_listen_on_this_machine_alone(server: Served) -> None:
    below = descendants(server.process.pid)
    proxies = {pid for pid, line in below.items() if "haproxy -" in line}
    assert proxies, "no HAProxy runs"
    found = listening(proxies)
    assert found and all(address.startswith("0100007F:") for address in found), found


def test_metrics_count_requests_and_watch_the_bundle(client: httpx.Client) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        client.post("/v1/registry", json=NOTE)
        text = client.get("/metrics").text
        if "ray_thce_requests" in text and "ray_thce_flag_rate" in text:
            break
        time.sleep(2)
    assert 'status="200"' in text and 'part="registry"' in text
    assert 'flag="bal"' in text
    assert PLANTED not in text


def test_a_killed_replica_fails_few_and_answers_nobody_wrongly(
    server: Served, client: httpx.Client
) -> None:
    expected = client.post("/v1/registry", json=NOTE).json()["results"]
    statuses: list[int] = []
    wrong: list[Any] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                reply = client.post("/v1/registry", json=NOTE)
            except httpx.TransportError:
                statuses.append(0)
                continue
            statuses.append(reply.status_code)
            if reply.status_code == 200 and reply.json()["results"] != expected:
                wrong.append(reply.json())

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(2)
    before = server.replicas("RegistryModel")
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    killed = time.monotonic()
    while len(set(server.replicas("RegistryModel")) - {before[0]}) < 2:
        assert time.monotonic() - killed < 60, "no new replica within a minute"
        time.sleep(0.2)
    time.sleep(3)
    stop.set()
    for thread in threads:
        thread.join()
    failed = [status for status in statuses if status != 200]
    assert wrong == []
    assert len(failed) <= max(4, len(statuses) // 100), (failed, len(statuses))
    assert client.get("/v1/ready").status_code == 200


def test_the_end_waits_for_what_is_under_way_and_leaves_nothing(
    server: Served, client: httpx.Client
) -> None:
    with client.stream("POST", "/v1/codes", json=NOTE | {"stream": True}) as reply:
        lines = reply.iter_lines()
        assert next(lines) == "event: text"
        below = descendants(server.process.pid)
        server.process.send_signal(signal.SIGTERM)
        rest = [line for line in lines if line]
    assert rest[-2] == "event: answer"
    assert server.process.wait(60) == 0
    ends = time.monotonic() + 30
    while left := {pid: line for pid, line in below.items() if Path(f"/proc/{pid}").exists()}:
        assert time.monotonic() < ends, left
        time.sleep(0.2)
    session = re.search(r"--log_dir=(\S+)", " ".join(below.values()))
    assert session
    for file in (*server.home.rglob("*"), *Path(session[1]).rglob("*"), server.log):
        if file.is_file() and file.suffix in (".log", ".jsonl", ".out", ".err"):
            assert PLANTED not in file.read_text(encoding="utf-8", errors="replace"), file
    audited = audit_lines(server.home)
    assert {"the admin", "the annotate"} <= {line.get("caller") for line in audited}
    assert any(line.get("encounters") == ["enc-1"] for line in audited)
    assert any("shown task=" in line.get("event", "") for line in audited)
