"""The provider hook against an HTTP server on this machine: cost cap, cache, retries, checks."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from thce.coder.examples import read_examples
from thce.coder.provider import Provider, ProviderConfig
from thce.coder.provider_step import GenerateConfig, run
from thce.errors import InputError


class _Server(HTTPServer):
    """Answers as a provider would; the test sets what goes wrong."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.failures: list[int] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.spoil: dict[int, str] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        if self.server.failures:
            self.send_response(self.server.failures.pop(0))
            self.end_headers()
            return
        code = body["messages"][-1]["content"].split()[1]
        text = json.dumps(
            {
                "narrative": "Fictional patient seen today with a well described complaint.",
                "reasoning": ["The complaint is described", f"Final: {code}"],
            }
        )
        text = self.server.spoil.get(len(self.server.asked), text)
        answer: dict[str, Any]
        if self.path.endswith("/messages"):
            usage = {"input_tokens": 100, "output_tokens": 50}
            answer = {"content": [{"type": "text", "text": text}], "usage": usage}
        else:
            usage = {"prompt_tokens": 100, "completion_tokens": 50}
            answer = {"choices": [{"message": {"content": text}}], "usage": usage}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keeps quiet."""


@pytest.fixture()
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[_Server]:
    # A catalogue's cache lies under THCE_HOME: the answers alone go to a fresh folder.
    monkeypatch.setattr("thce.coder.provider.home", lambda: tmp_path / "home")
    monkeypatch.setenv("A_KEY", "very-secret")
    running = _Server()
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def generation(server: _Server, tmp_path: Path, count: int = 5, **provider: Any) -> GenerateConfig:
    told = {
        "kind": "openai",
        "url": server.url,
        "model": "m",
        "key_variable": "A_KEY",
        "price_in": 1.0,
        "price_out": 10.0,
        "max_cost": 1.0,
        "wait": 0.01,
    }
    return GenerateConfig.model_validate(
        {
            "enabled": True,
            "provider": told | provider,
            "count": count,
            "output": str(tmp_path / "generated.jsonl"),
        }
    )


@pytest.mark.parametrize(
    ("kind", "path", "header"),
    [
        ("openai", "/v1/chat/completions", ("Authorization", "Bearer very-secret")),
        ("anthropic", "/v1/messages", ("X-Api-Key", "very-secret")),
    ],
)
def test_both_kinds_give_examples(
    server: _Server, tmp_path: Path, kind: str, path: str, header: tuple[str, str]
) -> None:
    report = run(generation(server, tmp_path, kind=kind))
    assert (report["examples"], report["requests"], report["stopped_by_cap"]) == (5, 5, False)
    assert report["dollars"] == pytest.approx(5 * (100 * 1.0 + 50 * 10.0) / 1e6)
    assert all(asked[0] == path for asked in server.asked)
    sent = {name.lower(): value for name, value in server.asked[0][1].items()}
    assert sent[header[0].lower()] == header[1]
    examples = list(read_examples(report["output"]))
    assert len({one.code for one in examples}) == 5
    assert all(one.reasoning[-1] == f"Final: {one.code}" for one in examples)
    assert "very-secret" not in json.dumps(report)
    for kept in (tmp_path / "home").rglob("*.json"):
        assert "very-secret" not in kept.read_text()


def test_the_second_run_costs_nothing(server: _Server, tmp_path: Path) -> None:
    first = run(generation(server, tmp_path))
    written = Path(first["output"]).read_bytes()
    again = run(generation(server, tmp_path))
    assert (again["requests"], again["cached"], again["dollars"]) == (0, 5, 0)
    assert Path(again["output"]).read_bytes() == written and len(server.asked) == 5


def test_the_cap_is_never_exceeded(server: _Server, tmp_path: Path) -> None:
    # At most 800 tokens out cost 0.008 dollars and a little for what is sent.
    report = run(generation(server, tmp_path, count=50, max_cost=0.012))
    assert report["stopped_by_cap"] and 0 < report["examples"] < 50
    assert report["dollars"] <= 0.012


def test_failures_that_pass_are_tried_again(server: _Server, tmp_path: Path) -> None:
    server.failures = [500, 429, 503]
    report = run(generation(server, tmp_path, count=1))
    assert (report["examples"], report["retried"]) == (1, 3)


def test_a_refusal_is_not_tried_again(server: _Server, tmp_path: Path) -> None:
    server.failures = [401]
    with pytest.raises(InputError, match="HTTP 401") as error:
        run(generation(server, tmp_path))
    assert len(server.asked) == 1 and "very-secret" not in str(error.value)
    assert not (tmp_path / "generated.jsonl").exists()


def test_an_end_of_patience_is_one_line(server: _Server, tmp_path: Path) -> None:
    server.failures = [500] * 10
    with pytest.raises(InputError, match="no answer: HTTP 500"):
        run(generation(server, tmp_path, retries=2))
    assert len(server.asked) == 3


def test_wrong_answers_are_refused_and_counted(server: _Server, tmp_path: Path) -> None:
    good = "A fictional patient with a long enough story."
    server.spoil = {
        1: "I cannot help with that",
        2: json.dumps({"narrative": "short", "reasoning": ["a", "b"]}),
        3: json.dumps({"narrative": good, "reasoning": ["a", "Final: Z99.99"]}),
        4: json.dumps({"narrative": good, "reasoning": "no list"}),
    }
    report = run(generation(server, tmp_path))
    assert report["examples"] == 1
    assert report["refused"] == {
        "narrative too short, too long or no text": 1,
        "not the JSON that was asked for": 1,
        "reasoning does not end with the code": 1,
        "reasoning is no list of steps": 1,
    }


def test_it_is_off_until_enabled(server: _Server, tmp_path: Path) -> None:
    config = generation(server, tmp_path).model_copy(update={"enabled": False})
    with pytest.raises(InputError, match="enabled: off"):
        run(config)
    assert not server.asked


def test_plain_http_leaves_this_machine_never() -> None:
    with pytest.raises(ValueError, match="https"):
        ProviderConfig(
            kind="openai",
            url="http://example.org/v1",
            model="m",
            price_in=0,
            price_out=0,
            max_cost=1,
        )


def test_a_missing_key_is_named(server: _Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("A_KEY")
    config = generation(server, Path("unused")).provider
    with pytest.raises(InputError, match="A_KEY is not set"):
        Provider(config)
