"""The annotation page on its own: no model server and no Ray, for whoever only annotates.

`thce serve` binds the same routes beside the models.
"""

import socket
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import RedirectResponse

from thce.annotations.store import AnnotationStore
from thce.errors import InputError
from thce.serving import annotator, annotator_page, session_routes
from thce.serving.annotator_model import Explainer
from thce.serving.config import Safety
from thce.serving.security import Security
from thce.serving.shell import Shell


def app(store: str | Path, *, safety: Safety, explainer: Explainer | None = None) -> Shell:
    """The page, its API and signing in, over one annotation store.

    Args:
        store: its file, on this machine's disk.
        safety: who may ask, limits and the audit log; as for `thce serve`.
        explainer: the model that shows which passages moved it.

    Raises:
        InputError: the token file is not valid.
    """
    found = FastAPI(title="thce annotation", docs_url=None, redoc_url=None, openapi_url=None)
    found.include_router(session_routes.router)
    found.include_router(annotator.router(store, explainer=explainer))
    found.include_router(annotator_page.router)
    found.add_api_route("/", lambda: RedirectResponse("annotate/"), include_in_schema=False)
    security = Security.open(safety.token_file)
    return Shell(found, "page", safety, security, metered=False)


def open_explainer(model: str | Path) -> Explainer:
    """The model of a bundle, to show which passages moved it.

    Raises:
        InputError: no valid registry bundle lies there.
    """
    from thce.registry.predict import Predictor

    predictor = Predictor.open(model)
    return Explainer(predictor.bundle.version, predictor.predict)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket, so that a taken port is one clear line before anything starts.

    Raises:
        InputError: the port is taken or not allowed, or the host is not this machine's.
    """
    try:
        return socket.create_server((host, port))
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise InputError(f"{host}:{port}: {reason}; choose another --port") from None


def run(application: Shell, listening: socket.socket) -> None:
    """Serves until it is stopped; what was answered is on disk whenever that is."""
    import uvicorn

    config = uvicorn.Config(
        application, log_level="warning", access_log=False, server_header=False, lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listening])


def require_store(path: Path) -> None:
    """Checks the store before the page is opened on it.

    Raises:
        InputError: it is absent or damaged.
    """
    AnnotationStore.open(path).close()
