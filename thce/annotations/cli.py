"""`thce annotations`: the store on the command line."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thce.annotations import cli_anchoring, cli_keeping, cli_labels, cli_page
from thce.annotations.cli_options import StorePath, open_store, store_path
from thce.annotations.defaults import HOLD_SECONDS, UNNAMED
from thce.annotations.prodigy_program import annotate, db_out
from thce.command_options import AsJson, show
from thce.errors import Finding, InputError

if TYPE_CHECKING:
    from thce.annotations.prodigy_import import Imported

app = typer.Typer(
    help="Tasks, leases and answers of annotators; Prodigy files in and out.",
    no_args_is_help=True,
)


@app.command()
def status(store: StorePath = None, as_json: AsJson = False) -> None:
    """Notes by state, answers and pace by annotator, batches."""
    with open_store(store) as opened:
        report = opened.progress()
    lines = [f"notes: {_pairs(report['notes'])}, {report['deleted']} deleted"]
    for name, counts in report["annotators"].items():
        pace = counts["median_seconds"]
        pace_text = "no pace yet" if pace is None else f"{pace:.0f} s per note"
        verdicts = {verdict: counts[verdict] for verdict in ("accept", "reject", "ignore")}
        lines.append(f"annotator {name}: {_pairs(verdicts)}, {pace_text}")
    for batch in report["batches"]:
        held = batch["held_until"]
        until = "" if held is None else f", held until {_utc(held)}"
        answered = f"{batch['answered']} of {batch['tasks']} answered"
        lines.append(f"batch {batch['batch']}: {answered}{until}")
    show(report, as_json, "\n".join(lines))


@app.command("export-tasks")
def export_tasks_command(
    batch: Annotated[str, typer.Argument(help="The batch's name.")],
    output: Annotated[Path, typer.Option(help="The JSON lines file to write.")],
    hold_hours: Annotated[
        float, typer.Option(min=0, help="How long its notes are not handed out elsewhere.")
    ] = HOLD_SECONDS / 3600,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Writes a batch as a file for Prodigy's choice interface."""
    from thce.annotations.prodigy import export_tasks

    with open_store(store) as opened:
        count = export_tasks(opened, batch, output, hold_seconds=hold_hours * 3600)
    show({"tasks": count, "output": output}, as_json, f"{count} tasks in {output}")


@app.command("annotate")
def annotate_command(
    dataset: Annotated[str, typer.Option(help="The Prodigy dataset that takes the answers.")],
    batch: Annotated[Path, typer.Option(help="A file written by export-tasks.")],
) -> None:
    """Opens a batch in Prodigy, where it is installed."""
    annotate(dataset, batch)


@app.command("import")
def import_command(
    prodigy_dataset: Annotated[
        str | None, typer.Option(help="Run `prodigy db-out` on this dataset and import that.")
    ] = None,
    input_file: Annotated[
        Path | None, typer.Option("--input", help="A file written by `prodigy db-out`.")
    ] = None,
    annotator: Annotated[
        str, typer.Option(help="Who gave the answers that name no Prodigy session.")
    ] = UNNAMED,
    max_bad: Annotated[
        float, typer.Option(min=0, max=100, help="Per cent of bad lines that is still a success.")
    ] = 5.0,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Adds the answers of a Prodigy dataset; importing twice adds nothing."""
    from thce.annotations.prodigy_import import import_answers

    path = store_path(store)
    source: AbstractContextManager[Path]
    if input_file is not None and prodigy_dataset is None:
        source, name = nullcontext(input_file), str(input_file)
    elif prodigy_dataset is not None and input_file is None:
        source, name = db_out(prodigy_dataset, path.parent), f"dataset {prodigy_dataset}"
    else:
        raise InputError("import: give either --prodigy-dataset or --input")
    with source as file, open_store(path, create=True) as opened:
        imported = import_answers(opened, file, annotator=annotator, source=name)
    report = asdict(imported) | {"lines": imported.lines}
    show(report, as_json, _imported_line(imported))
    if imported.quarantined * 100 > max_bad * imported.lines:
        raise Finding(
            f"{name}: {imported.quarantined} of {imported.lines} lines are no answers, "
            f"see {imported.quarantine}; the others are imported"
        )


@app.command()
def leases(store: StorePath = None, as_json: AsJson = False) -> None:
    """Who has which task on screen, and until when."""
    with open_store(store) as opened:
        live = opened.live_leases()
    lines = [
        f"{lease.annotator}: {lease.encounter_id} until {_utc(lease.expires_at)}" for lease in live
    ]
    report = [asdict(lease) for lease in live]
    show(report, as_json, "\n".join([*lines, f"{len(live)} leases"]))


@app.command()
def withdraw(
    batch: Annotated[str, typer.Argument(help="The batch's name.")],
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Takes a batch back: what nobody answered may be sampled again."""
    with open_store(store) as opened:
        count = opened.withdraw(batch)
    show({"returned": count}, as_json, f"{count} unanswered notes are in the pool again")


cli_labels.add_to(app)
cli_anchoring.add_to(app)
cli_keeping.add_to(app)
cli_page.add_to(app)


def _imported_line(imported: "Imported") -> str:
    line = f"{imported.new} new answers, {imported.known} known already"
    if imported.adopted:
        line += f", {imported.adopted} tasks adopted"
    if imported.deleted:
        line += f", {imported.deleted} of deleted notes left out"
    if imported.quarantined:
        line += f", {imported.quarantined} lines quarantined in {imported.quarantine}"
    return line


def _pairs(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
