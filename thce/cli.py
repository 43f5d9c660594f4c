"""`thce`: one command line; each system adds its own sub-commands.

Exit codes: 0 success, 1 a finding, 2 a usage or input error with one line on standard error.
"""

import sys

import typer

from thce.annotations.cli import app as annotations
from thce.bundles.cli import app as bundles
from thce.codes.cli import app as codes
from thce.errors import Finding, InputError
from thce.notes.cli import app as notes
from thce.registry.cli import app as registry
from thce.training.cli import app as weights

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Clinical coding with your own models, on your own Ray cluster.",
)
app.add_typer(notes, name="notes", help="Read, de-identify and check notes.")
app.add_typer(registry, name="registry", help="29 procedure flags and the diamond loop.")
app.add_typer(codes, name="codes", help="ICD-10-CM, HCPCS and CPT: check, search, import.")
app.add_typer(annotations, name="annotations", help="The annotation store and Prodigy's files.")
app.add_typer(bundles, name="bundles", help="Publish, verify, promote and roll back models.")
app.add_typer(weights, name="weights", help="Base weights and where they come from.")


@app.command()
def doctor(
    as_json: bool = typer.Option(False, "--json", help="Print the checks as JSON."),
) -> None:
    """Checks the set-up and says what to do about each part that is missing."""
    from thce.doctor import run

    run(as_json)


@app.command()
def version() -> None:
    """Prints the version."""
    from thce import __version__

    typer.echo(__version__)


def main() -> None:
    """Entry point: turns errors and findings into one line and an exit code."""
    try:
        app()
    except InputError as error:
        print(f"thce: {error}", file=sys.stderr)
        sys.exit(2)
    except Finding as finding:
        print(f"thce: {finding}", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
