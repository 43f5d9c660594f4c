"""`thce annotations page`: the annotation page without a model server."""

from pathlib import Path
from typing import Annotated

import typer

from thce.annotations.cli_options import StorePath, store_path
from thce.errors import InputError

LOOPBACK = "127.0.0.1"


def add_to(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("page")(page)


def page(
    store: StorePath = None,
    model: Annotated[
        str | None,
        typer.Option(help="The bundle that scored the batch: shows the passages that moved it."),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8765,
    host: Annotated[str, typer.Option(help="Address to listen on; others need tokens.")] = LOOPBACK,
    token_file: Annotated[
        Path | None, typer.Option(help="Who may annotate and review; see `thce serve token`.")
    ] = None,
) -> None:
    """Serves the annotation page on this machine, for answering batches in a browser."""
    from thce.serving.annotator_app import app, listen, open_explainer, require_store, run
    from thce.serving.config import Safety

    if token_file is None and host not in (LOOPBACK, "localhost", "::1"):
        raise InputError("host: without --token-file the page is served to this machine only")
    path = store_path(store)
    require_store(path)
    safety = Safety(token_file=str(token_file) if token_file else None)
    explainer = open_explainer(model) if model else None
    application = app(path, safety=safety, explainer=explainer)
    listening = listen(host, port)
    typer.echo(f"annotation page: http://{host}:{port}/annotate/ (store {path}; Ctrl-C ends it)")
    run(application, listening)
