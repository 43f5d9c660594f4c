"""Who may ask: tokens, roles, the page's session and its CSRF token, requests of other sites."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

from thce.errors import InputError
from thce.serving import session_routes
from thce.serving.config import Safety
from thce.serving.security import CSRF_HEADER, Caller, Role, Security, caller
from thce.serving.shell import Shell
from thce.serving.tokens import add_token, read_tokens


def client(security: Security, **safety: object) -> TestClient:
    app = FastAPI()

    @app.get("/scored")
    @app.post("/scored")
    def scored(who: Annotated[Caller, Depends(caller(Role.SCORE))]) -> str:
        return who.name

    @app.post("/administered")
    def administered(who: Annotated[Caller, Depends(caller(Role.ADMIN))]) -> str:
        return who.name

    @app.post("/broken")
    def broken(_: Annotated[Caller, Depends(caller(Role.SCORE))]) -> str:
        raise ValueError("PLANTED-MARKER of a note")

    app.include_router(session_routes.router)
    shell = Shell(app, "test", Safety.model_validate({"audit": None} | safety), security)
    return TestClient(shell, base_url="http://127.0.0.1:8000", raise_server_exceptions=False)


@pytest.fixture
def tokens(tmp_path: Path) -> dict[str, str]:
    file = tmp_path / "tokens.json"
    made = {role: add_token(file, Caller(f"a {role}", Role(role))) for role in Role}
    return made | {"file": str(file)}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_gives_its_role_and_no_other(tokens: dict[str, str]) -> None:
    asked = client(Security.open(tokens["file"]))
    assert asked.post("/scored").status_code == 401
    assert asked.post("/scored").headers["www-authenticate"] == "Bearer"
    assert asked.post("/scored", headers=bearer("x" * 43)).status_code == 401
    assert asked.post("/scored", headers=bearer(tokens["score"])).json() == "a score"
    assert asked.post("/scored", headers=bearer(tokens["admin"])).json() == "a admin"
    assert asked.post("/scored", headers=bearer(tokens["annotate"])).status_code == 403
    refused = asked.post("/administered", headers=bearer(tokens["score"]))
    assert refused.status_code == 403
    assert refused.json()["error"]["message"] == "a score has the role score, needs admin"


def test_the_file_holds_no_token_and_is_its_owners(tokens: dict[str, str]) -> None:
    file = Path(tokens["file"])
    assert not any(tokens[role] in file.read_text() for role in Role)
    assert file.stat().st_mode & 0o077 == 0
    file.chmod(0o644)
    with pytest.raises(InputError, match="chmod 600"):
        read_tokens(file)


def test_a_new_token_ends_the_old_one_and_its_sessions(tokens: dict[str, str]) -> None:
    file = Path(tokens["file"])
    page = client(Security.open(file))
    page.post("/v1/session", json={"token": tokens["score"]})
    cookie = page.cookies.get("thce_session")
    assert cookie
    add_token(file, Caller("a score", Role.SCORE))
    later = client(Security.open(file))
    assert later.post("/scored", headers=bearer(tokens["score"])).status_code == 401
    later.cookies.set("thce_session", cookie)
    assert later.get("/scored").status_code == 401


def test_a_session_changes_nothing_without_its_csrf_token(tokens: dict[str, str]) -> None:
    page = client(Security.open(tokens["file"]))
    assert page.post("/v1/session", json={"token": "wrong"}).status_code == 401
    signed_in = page.post("/v1/session", json={"token": tokens["score"]})
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie
    csrf = signed_in.json()["csrf"]
    assert page.get("/scored").json() == "a score"
    assert page.post("/scored").status_code == 403
    assert page.post("/scored", headers={CSRF_HEADER: "0" * 64}).status_code == 403
    assert page.post("/scored", headers={CSRF_HEADER: csrf}).json() == "a score"
    other_site = {CSRF_HEADER: csrf, "Origin": "https://evil.example"}
    assert page.post("/scored", headers=other_site).status_code == 403
    assert page.get("/v1/session").json() == signed_in.json()
    page.delete("/v1/session")
    page.cookies.clear()
    assert page.get("/v1/session").status_code == 401


@pytest.mark.parametrize("cookie", ["", ".", "e30=.00", "x" * 3000, "bm8=.bm8="])
def test_a_made_up_cookie_is_nobody(tokens: dict[str, str], cookie: str) -> None:
    page = client(Security.open(tokens["file"]))
    page.cookies.set("thce_session", cookie)
    assert page.get("/scored").status_code == 401


def test_without_tokens_this_machine_is_served_and_other_sites_are_not() -> None:
    asked = client(Security())
    assert asked.post("/administered").json() == "local"
    for headers in (
        {"Host": "rebound.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        assert asked.post("/scored", headers=headers).status_code == 403, headers
    own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
    assert asked.post("/scored", headers=own).status_code == 200


def test_a_browser_can_send_json_only() -> None:
    sent = client(Security()).post("/scored", content=b"{}", headers={"Content-Type": "text/plain"})
    assert sent.status_code == 415


def test_headers_are_on_every_reply_and_errors_are_of_one_form() -> None:
    asked = client(Security(), body_bytes=1000, rate=0.001, burst=6)
    replies = [
        asked.get("/nowhere"),
        asked.put("/scored"),
        asked.post("/scored", json={"a": "x" * 2000}),
        asked.post("/v1/session", json={"token": 3, "other": 1}),
        asked.post("/broken"),
        asked.post("/scored", content=b"{", headers={"Content-Type": "application/json"}),
        asked.post("/scored"),
    ]
    assert [reply.status_code for reply in replies] == [404, 405, 413, 422, 500, 400, 429]
    assert int(replies[-1].headers["Retry-After"]) >= 1
    for reply in replies:
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
        assert set(reply.json()["error"]) == {"status", "field", "message"}
    assert "PLANTED" not in "".join(reply.text for reply in replies)


def test_what_nobody_waits_for_is_cancelled_and_a_slow_body_refused() -> None:
    app = FastAPI()
    seen: list[str] = []

    @app.post("/slow")
    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    shell = Shell(app, "test", Safety(audit=None, body_seconds=0.2), Security())

    async def ask(*messages: dict[str, Any]) -> list[int]:
        """The statuses sent to a caller that sends these messages and then stays silent."""
        waiting = list(messages)
        statuses: list[int] = []

        async def receive() -> dict[str, Any]:
            if waiting:
                return waiting.pop(0)
            await asyncio.sleep(60)
            raise AssertionError

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/slow",
            "root_path": "",
            "query_string": b"",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 1),
        }
        await asyncio.wait_for(shell(scope, receive, send), 10)
        return statuses

    whole = {"type": "http.request", "body": b"", "more_body": False}
    assert asyncio.run(ask(whole, {"type": "http.disconnect"})) == []
    assert seen == ["cancelled"]
    assert asyncio.run(ask({"type": "http.request", "body": b"{", "more_body": True})) == [408]


def test_what_an_error_says_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    reply = client(Security()).post("/broken", headers={"X-Request-Id": "request-0001"})
    assert reply.headers["X-Request-Id"] == "request-0001"
    assert "request-0001: ValueError at" in caplog.text
    assert "PLANTED" not in caplog.text
