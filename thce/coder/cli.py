"""`thce coder`: data, training, prediction and evaluation of the coder."""

import typer

from thce.coder import cli_train

app = typer.Typer(no_args_is_help=True)
cli_train.register(app)
