"""`thce coder`: data, training, export, prediction and evaluation of the coder."""

import typer

from thce.coder import cli_data, cli_export, cli_predict, cli_train

app = typer.Typer(no_args_is_help=True)
cli_data.register(app)
cli_train.register(app)
cli_export.register(app)
cli_predict.register(app)
