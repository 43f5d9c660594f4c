"""`thce`: one command line; each system adds its own sub-commands.

Exit codes: 0 success, 1 a finding, 2 a usage or input error with one line on standard error.
"""

import sys
from typing import Any, NoReturn, cast

import typer

from thce.annotations.cli import app as annotations
from thce.bench.cli import app as bench
from thce.bundles.cli import app as bundles
from thce.coder.cli import app as coder
from thce.codes.cli import app as codes
from thce.errors import Finding, InputError, input_error
from thce.ner.cli import app as ner
from thce.notes.cli import app as notes
from thce.registry.cli import app as registry
from thce.serving.cli import app as serving
from thce.status.cli import status
from thce.training.cli import app as weights
from thce.tune.cli import app as tune

# What typer raises for wrong options; it exports only this class's heirs.
_USAGE_ERROR = cast(
    "type[Exception]",
    next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError"),
)

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Clinical coding with your own models, on your own Ray cluster.",
)
app.add_typer(notes, name="notes", help="Read, de-identify and check notes.")
app.add_typer(registry, name="registry", help="29 procedure flags and the diamond loop.")
app.add_typer(codes, name="codes", help="ICD-10-CM, HCPCS and CPT: check, search, import.")
app.add_typer(coder, name="coder", help="Narratives to ICD-10-CM, CPT and HCPCS codes.")
app.add_typer(ner, name="ner", help="Clinical entities, from brat files to a tagger that answers.")
app.add_typer(annotations, name="annotations", help="The annotation store and Prodigy's files.")
app.add_typer(bundles, name="bundles", help="Publish, verify, promote and roll back models.")
app.add_typer(serving, name="serve", help="Flags, codes and the annotation page over HTTP.")
app.add_typer(bench, name="bench", help="Every speed and every strategy against its rival.")
app.add_typer(tune, name="tune", help="Search for settings, and judge what was found.")
app.add_typer(weights, name="weights", help="Base weights and where they come from.")

app.command()(status)


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
        sys.exit(app(standalone_mode=False) or 0)
    except typer.Abort:
        print("thce: stopped", file=sys.stderr)
        sys.exit(1)
    except _USAGE_ERROR as error:
        _end_with_usage(error)
    except (InputError, OSError) as error:
        said = input_error(error) if isinstance(error, OSError) else error
        print(f"thce: {said}", file=sys.stderr)
        sys.exit(2)
    except Finding as finding:
        print(f"thce: {finding}", file=sys.stderr)
        sys.exit(1)


def _end_with_usage(error: Any) -> NoReturn:
    """One line for a wrong option or argument; the help where nothing was asked."""
    if error.__class__.__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        said = " ".join(error.format_message().split()).rstrip(".")
        command = error.ctx.command_path if error.ctx else "thce"
        print(f"thce: {said}; see `{command} --help`", file=sys.stderr)
    sys.exit(2)


if __name__ == "__main__":
    main()
