"""`thce coder`: data, training, prediction and evaluation of the coder."""

import typer

app = typer.Typer(no_args_is_help=True)
