"""Who annotates and who reviews, and what they get where the store refuses something."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request

from thce.annotations.screen import NoTaskError, OutdatedError, RefusedError
from thce.errors import InputError
from thce.serving.security import Caller, Role, Security, caller
from thce.serving.tokens import NAME


def annotator(
    request: Request,
    who: Annotated[Caller, Depends(caller(Role.ANNOTATE))],
    x_annotator: Annotated[
        str | None,
        Header(description="Who annotates, where no token says so.", max_length=64),
    ] = None,
) -> str:
    """A FastAPI dependency: who annotates. The token says so; without tokens the page does.

    Raises:
        HTTPException: 400, no usable name.
    """
    security: Security = request.app.state.security
    if security.needs_token:
        return who.name
    if x_annotator is None or not NAME.fullmatch(x_annotator):
        raise HTTPException(400, "X-Annotator: 1 to 64 letters, digits, spaces and ._@-")
    return x_annotator


def reviewer(
    _: Annotated[Caller, Depends(caller(Role.ADMIN))], who: Annotated[str, Depends(annotator)]
) -> str:
    """A FastAPI dependency: who reviews; it takes an admin, for a ruling overrules annotators."""
    return who


Who = Annotated[str, Depends(annotator)]
Reviewer = Annotated[str, Depends(reviewer)]


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what the store refuses into a status and one line."""
    try:
        yield
    except NoTaskError as error:
        raise HTTPException(404, str(error)) from None
    except RefusedError as error:
        raise HTTPException(422, str(error)) from None
    except OutdatedError as error:
        raise HTTPException(409, str(error)) from None
    except InputError as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "5"}) from None
