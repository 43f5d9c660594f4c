"""`thce registry` commands that say how far a bundle, a recipe or a label may be trusted."""

from typing import Annotated, Any

import typer

from thce.command_options import AsJson, ConfigFile, Overrides
from thce.errors import Finding
from thce.registry.cli_options import Batch, Model, NotesGiven, RunFolder, Store, run


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    for command in (abstain, crossval, audit):
        app.command()(command)


def abstain(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    model: Model = None,
    notes: Annotated[
        str | None,
        typer.Option("--input", help="Labelled notes that the bundle was not fitted on."),
    ] = None,
    output: Annotated[str | None, typer.Option(help="The file of cutoffs to write.")] = None,
    precision: Annotated[
        float | None,
        typer.Option(help="Share of automatically accepted flags that must be right."),
    ] = None,
    confidence: Annotated[float | None, typer.Option(help="With how much confidence.")] = None,
) -> None:
    """Finds from which score on a flag may be accepted without a person, at a stated precision."""
    from thce.registry.console import print_abstention

    given: dict[str, Any] = {
        "model": model,
        "input": notes,
        "output": output,
        "precision": precision,
        "confidence": confidence,
    }
    step = "abstain:AbstainConfig"
    found = run(step, config, overrides, as_json, print_abstention, **given)
    if all(one["cutoff"] is None for one in found["flags"].values()):
        raise Finding(
            f"no flag reaches precision {found['precision']} with confidence "
            f"{found['confidence']} on these notes; {found['output']} leaves every note to people"
        )


def crossval(
    overrides: Overrides,
    notes: NotesGiven,
    config: ConfigFile = None,
    as_json: AsJson = False,
    output: RunFolder = None,
    by: Annotated[str | None, typer.Option(help="fold, or file: leave one out of --notes.")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of each repetition.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Repetitions with other folds.")] = None,
) -> None:
    """Judges a recipe on every labelled note, by models that never saw it or its author."""
    from thce.registry.console import print_crossval

    given: dict[str, Any] = {
        "notes": notes or None,
        "output": output,
        "by": by,
        "folds": folds,
        "repeats": repeats,
    }
    run("crossval:CrossvalConfig", config, overrides, as_json, print_crossval, **given)


def audit(
    overrides: Overrides,
    config: ConfigFile = None,
    as_json: AsJson = False,
    crossval: Annotated[str | None, typer.Option(help="What crossval wrote.")] = None,
    store: Store = None,
    limit: Annotated[int | None, typer.Option(help="Notes to look at again; 0: none.")] = None,
    output: Batch = None,
) -> None:
    """Finds labels that are probably wrong and puts their notes before a person again."""
    from thce.registry.console import print_audit

    given: dict[str, Any] = {"crossval": crossval, "store": store, "limit": limit, "output": output}
    run("audit:AuditConfig", config, overrides, as_json, print_audit, **given)
