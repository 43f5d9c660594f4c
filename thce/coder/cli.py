"""`thce coder`: data, training, prediction and evaluation of the coder."""

import typer

app = typer.Typer(no_args_is_help=True)

from thce.coder import cli_data  # noqa: E402, F401 - its commands join `app`
