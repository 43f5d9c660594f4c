"""`thce annotations` commands about labels: writing them, and settling disagreements."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from thce.annotations.cli_options import StorePath, open_store
from thce.command_options import AsJson, show
from thce.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("export-labels")(export)
    app.command("mark-merged")(mark_merged)
    app.command("conflicts")(conflicts)
    app.command("resolve")(resolve)


def export(
    output: Annotated[Path, typer.Option(help="The CSV file to write.")],
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Writes the human labels: encounter_id and 29 columns of 1, 0 or empty for unknown."""
    from thce.annotations.labels_csv import export_labels

    with open_store(store) as opened:
        labels = export_labels(opened, output)
    notes, disputed = labels.table.num_rows, len(labels.conflicts)
    line = f"{notes} notes in {output}, {disputed} disputed flags left unknown"
    show({"notes": notes, "conflicts": disputed, "output": output}, as_json, line)


def mark_merged(
    labels: Annotated[Path, typer.Option(help="The CSV file that the dataset was made with.")],
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Records that a dataset contains these labels."""
    from thce.annotations.labels_csv import read_labels

    table = read_labels(labels)
    with open_store(store) as opened:
        count = opened.mark_merged(table)
    show({"merged": count}, as_json, f"{count} notes merged")


def conflicts(store: StorePath = None, as_json: AsJson = False) -> None:
    """The review queue: flags on which annotators disagree."""
    with open_store(store) as opened:
        found = opened.conflicts()
    lines = []
    for conflict in found:
        votes = [f"{who} {'yes' if vote else 'no'}" for who, vote in conflict.votes.items()]
        lines.append(f"{conflict.encounter_id} {conflict.flag}: {', '.join(votes)}")
    report = [asdict(conflict) for conflict in found]
    show(report, as_json, "\n".join([*lines, f"{len(found)} disputed flags"]))


def resolve(
    encounter_id: Annotated[str, typer.Argument(help="The note.")],
    by: Annotated[str, typer.Option(help="The adjudicator's name.")],
    true: Annotated[list[str] | None, typer.Option(help="A flag that was performed.")] = None,
    false: Annotated[list[str] | None, typer.Option(help="A flag that was not.")] = None,
    store: StorePath = None,
) -> None:
    """Settles flags of a note above all annotators; repeat --true and --false as needed."""
    from thce.registry.labels import parse_flag

    named = [*(true or []), *(false or [])]
    decided = {parse_flag(name): name in (true or []) for name in named}
    if not decided or len(decided) != len(named):
        raise InputError("resolve: name each flag once, under --true or --false")
    with open_store(store) as opened:
        opened.resolve(encounter_id, decided, by)
    typer.echo(f"{encounter_id}: {len(decided)} flags settled by {by}")
