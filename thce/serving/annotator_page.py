"""The annotation page's files, from this package; no other address is ever asked for anything."""

from functools import cache
from importlib import resources
from pathlib import PurePath

from fastapi import APIRouter, HTTPException
from fastapi.responses import RedirectResponse, Response

_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FRESH = {"Cache-Control": "no-cache"}  # a new version of thce is a new page

router = APIRouter(prefix="/annotate", include_in_schema=False)


@router.get("")
def without_slash() -> Response:
    """The page's files are beside it, so its address ends in a slash."""
    return RedirectResponse("annotate/", status_code=308)


@router.get("/")
def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/{name}")
def file(name: str) -> Response:
    """One of its files."""
    return _file(name)


@cache
def _files() -> dict[str, bytes]:
    folder = resources.files("thce.serving").joinpath("page")
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def _file(name: str) -> Response:
    content = _files().get(name)
    if content is None:
        raise HTTPException(404, "no such file")
    return Response(content, media_type=_KINDS[PurePath(name).suffix], headers=_FRESH)
