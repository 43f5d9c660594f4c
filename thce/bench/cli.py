"""The benches' command line."""

import typer

from thce.bench import cli_loop

app = typer.Typer(no_args_is_help=True)
cli_loop.register(app)


@app.callback()
def bench() -> None:
    """Every speed and every strategy against its rival."""
