"""What every request passes, whichever part answers it: limits, strict JSON, headers, audit.

Plain ASGI around a FastAPI application. Whatever goes wrong inside becomes one form of error
body; nothing of a request's text reaches a log, a metric or an error.
"""

import asyncio
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import Response

from thce.serving.audit import Audit
from thce.serving.config import Safety
from thce.serving.meters import Meters
from thce.serving.problems import ProblemError, field_name, problem_response
from thce.serving.rate_limit import RateLimit
from thce.serving.security import Security
from thce.serving.strict_json import parse

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
)
_TLS = (b"strict-transport-security", b"max-age=31536000")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_logger = logging.getLogger("thce.serving")


@dataclass
class Passing:
    """What is known of a request on its way through.

    Attributes:
        request_id: given by the caller or made here; in the reply, the audit log and error logs.
        json: the parsed body; None where there was none.
        encounters: the encounter ids that it was about, for the audit log.
    """

    request_id: str
    json: Any = None
    encounters: tuple[str, ...] = ()


def passing(request: Request) -> Passing:
    """What the shell knows of a request; a FastAPI dependency."""
    found: Passing = request.scope["thce"]
    return found


class Shell:
    """An ASGI application around another."""

    def __init__(
        self,
        app: FastAPI,
        part: str,
        safety: Safety,
        security: Security,
        *,
        metered: bool = True,
        admit: Callable[[], None] | None = None,
    ) -> None:
        """Wraps an application.

        Args:
            app: gets the handlers of errors and the security at `state.security`.
            part: its name in the audit log and in metrics.
            safety: the limits.
            security: who may ask.
            metered: whether requests are counted in Ray's metrics.
            admit: raises ProblemError where there is no room; asked before a body is read into
                anything, so that refusing costs next to nothing.
        """
        app.state.security = security
        app.add_exception_handler(ProblemError, _on_problem)
        app.add_exception_handler(RequestValidationError, _on_invalid)
        app.add_exception_handler(StarletteHTTPException, _on_http)
        app.add_exception_handler(Exception, _on_broken)
        app.router.redirect_slashes = False
        self._app = app
        self._part = part
        self._safety = safety
        self._security = security
        self._admit = admit
        self._rates = RateLimit(safety.rate, safety.burst)
        self._meters = Meters(part) if metered else None
        self._audit = Audit(safety.audit, part)
        self._audit.take_log()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        # `/v1/registry` is the root of its application; inside it, the path of its only route.
        if scope["path"] == scope.get("root_path"):
            scope["path"] += "/"
        request = Request(scope)
        given = request.headers.get("X-Request-Id", "")
        known = Passing(given if _REQUEST_ID.fullmatch(given) else uuid4().hex)
        scope["thce"] = known
        reply = _Reply(send, known.request_id, _is_tls(request))
        started = time.perf_counter()
        try:
            self._require_rate(request)
            body = await self._body(request, receive)
            if self._admit is not None:
                self._admit()
            known.json = parse(body) if body else None
            await self._run(scope, body, receive, reply)
        except ProblemError as problem:
            await self._answer(problem.response(), scope, receive, reply)
        except ConnectionError:
            reply.status = reply.status or 499  # the caller went away
        except Exception as error:
            log_place(error, known.request_id)
            await self._answer(_broken(known), scope, receive, reply)
        finally:
            self._record(request, known, reply.status, time.perf_counter() - started)

    async def _run(self, scope: Scope, body: bytes, receive: Receive, reply: "_Reply") -> None:
        """Lets the application answer, until the caller goes away.

        Raises:
            ConnectionResetError: the caller went away first; whatever was under way is cancelled.
        """
        gone = asyncio.ensure_future(_gone(receive))
        answer = asyncio.ensure_future(self._app(scope, _replay(body, gone), reply))
        try:
            await asyncio.wait({gone, answer}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done() and not reply.complete:
                answer.cancel()
                await asyncio.wait({answer})
                raise ConnectionResetError
            await answer
        finally:
            gone.cancel()
            answer.cancel()

    async def _answer(
        self, response: Response, scope: Scope, receive: Receive, reply: "_Reply"
    ) -> None:
        if reply.status is None:
            await response(scope, receive, reply)

    def _require_rate(self, request: Request) -> None:
        try:
            name = self._security.identify(request).name
        except HTTPException:
            name = f"host {request.client.host if request.client else '?'}"
        wait = self._rates.wait(name)
        if wait:
            raise ProblemError(429, "too many requests; send again later", retry_after=wait)

    async def _body(self, request: Request, receive: Receive) -> bytes:
        """The whole body, within its limits of size and time."""
        most = self._safety.body_bytes
        length = request.headers.get("Content-Length", "0")
        if length.isdecimal() and int(length) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._safety.body_seconds):
                size, more = 0, True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise ConnectionResetError
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise _too_large(most)
                    more = message.get("more_body", False)
        except TimeoutError:
            seconds = f"{self._safety.body_seconds:g} seconds"
            raise ProblemError(408, f"body: not here after {seconds}") from None
        body = b"".join(parts)
        media = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if body and media != "application/json":
            raise ProblemError(415, "Content-Type: send application/json")
        return body

    def _record(self, request: Request, known: Passing, status: int | None, seconds: float) -> None:
        route = _route(request.scope)
        if self._meters is not None:
            self._meters.request(route, status or 0, seconds)
        caller = getattr(request.state, "caller", None)
        if caller is None and request.method in ("GET", "HEAD"):
            return  # the page's own files, and whether the server is there
        self._audit.write(
            request=known.request_id,
            caller=caller.name if caller else None,
            role=caller.role if caller else None,
            host=request.client.host if request.client else None,
            method=request.method,
            route=route,
            status=status,
            encounters=list(known.encounters),
        )


class _Reply:
    """Sends on what the application replies, headers added, and remembers its status."""

    def __init__(self, send: Send, request_id: str, tls: bool) -> None:
        self._send = send
        extra = (b"x-request-id", request_id.encode())
        self._headers = (*HEADERS, extra, *((_TLS,) if tls else ()))
        self.status: int | None = None
        self.complete = False

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *(header for header in self._headers if header[0] not in own),
            ]
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)
        await self._send(message)


async def _gone(receive: Receive) -> None:
    """Returns when the caller is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _replay(body: bytes, gone: "asyncio.Future[None]") -> Receive:
    """The body once more, then what comes after it: the caller going away."""
    sent = False

    async def once() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.shield(gone)
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once


def _route(scope: Scope) -> str:
    """The template of the route that answered; never a path that a caller made up."""
    route = scope.get("route")
    path = getattr(route, "path", None)
    return f"{scope.get('root_path', '')}{path}" if path else "none"


def _is_tls(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("X-Forwarded-Proto"))


def _too_large(most: int) -> ProblemError:
    return ProblemError(413, f"body: larger than {most} bytes")


def log_place(error: Exception, request_id: str) -> None:
    """Logs where an error came from, and not what it says: its text may quote a note."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code if trace else None
    where = f"{code.co_filename}:{trace.tb_lineno}" if code and trace else "?"
    _logger.error("request %s: %s at %s", request_id, type(error).__name__, where)


def _broken(known: Passing) -> Response:
    message = f"the server failed; its log has more under {known.request_id}"
    return problem_response(500, message, None)


async def _on_broken(request: Request, _: Exception) -> Response:
    return _broken(passing(request))


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


async def _on_invalid(_: Request, error: Exception) -> Response:
    """The first field that is wrong; pydantic's own message quotes what was given."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    steps = tuple(step for step in first["loc"] if step not in ("body", "query", "path"))
    message = "unknown field" if first["type"] == "extra_forbidden" else _described(first)
    return problem_response(422, message, field_name(steps) or "body")


def _described(error: Any) -> str:
    limits = {
        name: value
        for name, value in error.get("ctx", {}).items()
        if isinstance(value, int | float) or name in ("expected", "pattern")
    }
    kind = str(error["type"]).replace("_", " ")
    return f"{kind} ({json.dumps(limits)})" if limits else kind


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return problem_response(error.status_code, str(error.detail), None, error.headers)
