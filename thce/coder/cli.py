"""`thce coder`: data, training, prediction and evaluation of the coder."""

import typer

from thce.coder import cli_export

app = typer.Typer(no_args_is_help=True)
cli_export.register(app)
