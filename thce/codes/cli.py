"""`thce codes`: check a code, search for one, import a code file, list the catalogues."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="ICD-10-CM, HCPCS and CPT: check, search, import.", no_args_is_help=True)

Type = Annotated[str, typer.Option("--type", help="ICD10, CPT or HCPCS.")]
OnDate = Annotated[str | None, typer.Option("--date", help="Date of service, as 2026-01-01.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


@app.command("check")
def check_command(
    code: Annotated[str, typer.Argument(help="A code in any spelling: E11.9, e119.")],
    kind: Type,
    date: OnDate = None,
    show_record: Annotated[
        bool, typer.Option("--show-record", help="Also its place in the tree and its notes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say whether a code exists, is billable and in force; exit 1 if no claim may carry it."""
    from thce.codes.check import check
    from thce.codes.dates import option_date
    from thce.codes.load import load_catalogue
    from thce.codes.show import check_lines
    from thce.errors import Finding, InputError

    if not code.strip():
        raise InputError("CODE: empty; give a code, such as E11.9")
    report = check(load_catalogue(kind), code, option_date("--date", date) if date else None)
    if not show_record:
        del report["record"]
    typer.echo(json.dumps(report) if as_json else "\n".join(check_lines(report)))
    if not report["ok"]:
        raise Finding(f"{report['code'][:20]}: not a billable {report['code_type']} code")


@app.command("search")
def search_command(
    words: Annotated[list[str], typer.Argument(help="Words, abbreviations, a sentence.")],
    kind: Type,
    count: Annotated[int, typer.Option("-k", min=1, max=1000, help="How many.")] = 10,
    date: OnDate = None,
    as_json: AsJson = False,
) -> None:
    """Find billable codes by what they mean; exit 1 if there is none."""
    from dataclasses import asdict

    from thce.codes.dates import option_date
    from thce.codes.load import load_catalogue
    from thce.errors import Finding, InputError

    text = " ".join(words)
    if not text.strip():
        raise InputError("WORDS: empty; give words, such as 'chest pain'")
    catalogue = load_catalogue(kind)
    matches = catalogue.search(text, count, option_date("--date", date) if date else None)
    if as_json:
        typer.echo(json.dumps({"matches": [asdict(match) for match in matches]}))
    else:
        for match in matches:
            typer.echo(f"{match.code:8} {match.score:.2f}  {match.description}")
    if not matches:
        raise Finding(f"no {catalogue.code_type} code for these words")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="The CMS file, or your licensed CPT file.")],
    kind: Type,
    version: Annotated[str | None, typer.Option(help="The release's name.")] = None,
    effective: Annotated[str | None, typer.Option(help="The release's date, 2026-04-01.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a code file the catalogue of its type, in place of what ships."""
    from thce.codes.code_types import code_type
    from thce.codes.dates import option_date
    from thce.codes.import_table import import_codes

    released = option_date("--effective", effective) if effective else None
    report = import_codes(file, code_type(kind), version, released)
    line = (
        "{code_type}: {codes} codes, {billable} billable, {terminated} with an end date, "
        "{modifiers} modifiers passed over, {skipped} rows skipped; {table}"
    )
    typer.echo(json.dumps(report) if as_json else line.format(**report))


@app.command("catalogues")
def catalogues_command(as_json: AsJson = False) -> None:
    """List the catalogues in use, with version and date."""
    from thce.codes.code_types import CodeType
    from thce.codes.load import load_catalogue
    from thce.codes.show import catalogue_report

    reports: list[dict[str, Any]] = [catalogue_report(load_catalogue(kind)) for kind in CodeType]
    if as_json:
        typer.echo(json.dumps({"catalogues": reports}))
        return
    for report in reports:
        extent = "complete" if report["complete"] else "common codes only"
        typer.echo(
            f"{report['code_type']:6} {report['effective']}  {report['billable']} billable codes, "
            f"{extent}: {report['version']} ({report['origin']}; {report['licence']})"
        )
