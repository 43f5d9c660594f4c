"""Signing in at the page: a token once, a cookie from then on."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from thce.serving.security import Security, Session, session_of

router = APIRouter(prefix="/v1/session", tags=["session"])


class SignIn(BaseModel):
    """The token that `thce serve token` showed."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(max_length=256)


class SignedIn(BaseModel):
    """Who is signed in, and what the page's changes must carry in `X-CSRF-Token`."""

    name: str
    role: str
    csrf: str

    @classmethod
    def of(cls, session: Session) -> "SignedIn":
        """A session as the page sees it."""
        caller = session.caller
        return cls(name=caller.name, role=caller.role.value, csrf=session.csrf)


@router.post("")
def sign_in(asked: SignIn, request: Request, response: Response) -> SignedIn:
    """Signs the page in: sets an HttpOnly cookie."""
    security: Security = request.app.state.security
    return SignedIn.of(security.sign_in(request, response, asked.token))


@router.get("")
def who(session: Annotated[Session, Depends(session_of)]) -> SignedIn:
    """Who is signed in."""
    return SignedIn.of(session)


@router.delete("", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Signs out."""
    security: Security = request.app.state.security
    security.sign_out(response)
