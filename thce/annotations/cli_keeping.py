"""`thce annotations` commands about keeping the store: backup, restore, deletion on request."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from thce.annotations.cli_options import StorePath, open_store, store_path
from thce.command_options import AsJson, show


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    app.command("backup")(backup_command)
    app.command("restore")(restore_command)
    app.command("delete")(delete_command)


def backup_command(
    output: Annotated[Path, typer.Argument(help="The file to write; it will hold notes.")],
    store: StorePath = None,
) -> None:
    """Copies the store into one file while it is in use."""
    from thce.annotations.backup import backup

    with open_store(store) as opened:
        path = backup(opened, output)
    typer.echo(f"backup in {path}")


def restore_command(
    backup_file: Annotated[Path, typer.Argument(help="A file written by backup.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a store with answers.")] = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Puts a backup in place of the store; notes deleted since stay deleted."""
    from thce.annotations.backup import restore

    target = store_path(store)
    restored = restore(backup_file, target, force=force)
    line = f"{restored.answers} answers in {target}"
    if restored.deleted_again:
        line += f", {restored.deleted_again} notes deleted on request left out"
    if restored.set_aside:
        line += f", the damaged file lies in {restored.set_aside}"
    show(asdict(restored), as_json, line)


def delete_command(
    encounter_id: Annotated[str, typer.Argument(help="The note to delete for good.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Deletes a note's text, tasks and answers for good; backups made earlier keep theirs."""
    with open_store(store) as opened:
        if not yes:
            typer.confirm(f"Delete encounter {encounter_id} and its answers for good?", abort=True)
        deleted = opened.delete_note(encounter_id)
    line = f"{encounter_id} deleted: {deleted.tasks} tasks, {deleted.answers} answers"
    show(asdict(deleted), as_json, line)
