"""Who is asking and what they may do: bearer tokens, the page's session, CSRF, the local caller.

A route says what it needs and gets who asks::

    @router.post("/answers")
    def answer(who: Annotated[Caller, Depends(caller(Role.ANNOTATE))]) -> ...:

Programs send `Authorization: Bearer TOKEN`. The page signs in once (`POST /v1/session`) and then
carries a cookie that scripts cannot read; whatever it changes must bring the session's CSRF token
in the header `X-CSRF-Token`. Without a token file the server is bound to loopback and everybody
there is `local`, an admin; requests that other sites' pages send are refused even so.

The application puts one `Security` at `app.state.security`.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.responses import Response

from thce.serving.tokens import LOCAL, Caller, Role, Token, holder, read_tokens

__all__ = ["CSRF_HEADER", "Caller", "Role", "Security", "Session", "caller", "session_of"]

COOKIE = "thce_session"
CSRF_HEADER = "X-CSRF-Token"
SESSION_SECONDS = 12 * 3600
_SAFE = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Session:
    """A signed-in page.

    Attributes:
        caller: who signed in.
        csrf: what unsafe requests must carry in `X-CSRF-Token`.
    """

    caller: Caller
    csrf: str


class Security:
    """Recognises callers by the token file's digests; keeps no state of its own.

    A session is a signed value keyed by its token's digest: every replica can check it, and it
    ends when the token is replaced or removed.
    """

    def __init__(self, tokens: tuple[Token, ...] = ()) -> None:
        """Takes the tokens; none means that only this machine can reach the server."""
        self._tokens = tokens

    @classmethod
    def open(cls, token_file: str | Path | None) -> "Security":
        """Reads the token file, if one is configured.

        Raises:
            InputError: it is not valid.
        """
        return cls(read_tokens(token_file) if token_file else ())

    @property
    def needs_token(self) -> bool:
        """Whether a token file is configured."""
        return bool(self._tokens)

    def sign_in(self, request: Request, response: Response, token: str) -> Session:
        """Sets the session's cookie for whoever has this token.

        Raises:
            HTTPException: 401, nobody has it.
        """
        if not self.needs_token:
            return Session(LOCAL, "")
        found = holder(self._tokens, token)
        if found is None:
            raise _unauthorized("token: not known")
        content = {"ends": int(time.time()) + SESSION_SECONDS, "nonce": secrets.token_hex(16)}
        payload = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
        response.set_cookie(
            COOKIE,
            f"{payload}.{_sign(found, 'session', payload)}",
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=_is_tls(request),
            path="/",
        )
        return Session(found.caller, _sign(found, "csrf", payload))

    def sign_out(self, response: Response) -> None:
        """Takes the cookie back."""
        response.delete_cookie(COOKIE, httponly=True, samesite="strict", path="/")

    def session(self, request: Request) -> Session | None:
        """The page's session, if the request carries a valid one."""
        if not self.needs_token:
            return Session(LOCAL, "")
        payload, _, signature = request.cookies.get(COOKIE, "").partition(".")
        found = None
        for token in self._tokens:
            if _same(signature, _sign(token, "session", payload)):
                found = token
        # Nothing of the payload is read before its signature is known to be ours.
        if found is None or json.loads(base64.urlsafe_b64decode(payload))["ends"] < time.time():
            return None
        return Session(found.caller, _sign(found, "csrf", payload))

    def identify(self, request: Request) -> Caller:
        """Who is asking.

        Raises:
            HTTPException: 401 without a valid token or session; 403 for a request that another
                site's page sent, or a change by the page without its CSRF token.
        """
        if not self.needs_token:
            _require_same_site(request, local=True)
            return LOCAL
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            found = holder(self._tokens, given.strip())
            if found is None:
                raise _unauthorized("token: not known")
            return found.caller
        session = self.session(request)
        if session is None:
            raise _unauthorized("send Authorization: Bearer TOKEN, or sign in at the page")
        if request.method not in _SAFE:
            _require_same_site(request, local=False)
            if not _same(request.headers.get(CSRF_HEADER, ""), session.csrf):
                raise HTTPException(403, f"{CSRF_HEADER}: missing or not this session's")
        return session.caller


def caller(required: Role) -> Callable[[Request], Caller]:
    """A FastAPI dependency: the caller, if the role allows what is required.

    Raises (when called by FastAPI):
        HTTPException: 401 or 403 with one clear line.
    """

    def dependency(request: Request) -> Caller:
        security: Security = request.app.state.security
        found = security.identify(request)
        request.state.caller = found
        if not found.role.may(required):
            raise HTTPException(403, f"{found.name} has the role {found.role}, needs {required}")
        return found

    return dependency


def session_of(request: Request) -> Session:
    """A FastAPI dependency: the signed-in page's session (the local one without a token file).

    Raises:
        HTTPException: 401, nobody signed in; 403, the request comes from another site's page.
    """
    security: Security = request.app.state.security
    session = security.session(request)
    if session is None:
        raise _unauthorized("sign in first")
    if not security.needs_token:
        _require_same_site(request, local=True)
    return session


def _require_same_site(request: Request, local: bool) -> None:
    """Refuses what a page of another site, or of a renamed address, makes a browser send."""
    host = request.headers.get("Host", "")
    if local and urlsplit(f"//{host}").hostname not in _LOOPBACK:
        raise HTTPException(403, "Host: not this machine; without tokens only it is served")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "Sec-Fetch-Site: another site's page sent this")
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != host:
        raise HTTPException(403, "Origin: another site's page sent this")


def _is_tls(request: Request) -> bool:
    """Whether the browser came by TLS, as the proxy in front says."""
    return "https" in (request.url.scheme, request.headers.get("X-Forwarded-Proto"))


def _sign(token: Token, purpose: str, payload: str) -> str:
    return hmac.digest(
        token.digest, f"{purpose}:{payload}".encode("utf-8", "surrogatepass"), hashlib.sha256
    ).hex()


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), right.encode())


def _unauthorized(detail: str) -> HTTPException:
    return HTTPException(401, detail, headers={"WWW-Authenticate": "Bearer"})
