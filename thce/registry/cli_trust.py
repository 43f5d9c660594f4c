"""`thce registry` commands that say how far a bundle, a recipe or a label may be trusted."""

import typer

from thce.errors import Finding
from thce.registry.cli_options import CONFIG, JSON, SET, report_of, show


def add_to(app: typer.Typer) -> None:
    """Adds the commands to the application."""
    for command in (abstain, crossval, audit):
        app.command()(command)


def abstain(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    model: str | None = typer.Option(None, "--model", help="Bundle: folder, URL or champion:..."),
    notes: str | None = typer.Option(
        None, "--input", help="Labelled notes that the bundle was not fitted on."
    ),
    output: str | None = typer.Option(None, "--output", help="The file of cutoffs to write."),
    precision: float | None = typer.Option(
        None, "--precision", help="Share of automatically accepted flags that must be right."
    ),
    confidence: float | None = typer.Option(None, "--confidence", help="With how much confidence."),
) -> None:
    """Finds from which score on a flag may be accepted without a person, at a stated precision."""
    from thce.registry.console import print_abstention

    given = {
        "model": model,
        "input": notes,
        "output": output,
        "precision": precision,
        "confidence": confidence,
    }
    found = report_of("abstain:AbstainConfig", config, overrides, given)
    show(found, as_json, print_abstention)
    if all(one["cutoff"] is None for one in found["flags"].values()):
        raise Finding(
            f"no flag reaches precision {found['precision']} with confidence "
            f"{found['confidence']} on these notes; {found['output']} leaves every note to people"
        )


def crossval(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    notes: list[str] = typer.Option([], "--notes", help="Labelled notes. Repeatable."),
    output: str | None = typer.Option(
        None, "--output", help="Folder of the run; resumed if there."
    ),
    by: str | None = typer.Option(None, "--by", help="fold, or file: leave one out of --notes."),
    folds: int | None = typer.Option(None, "--folds", help="Folds of each repetition."),
    repeats: int | None = typer.Option(None, "--repeats", help="Repetitions with other folds."),
) -> None:
    """Judges a recipe on every labelled note, by models that never saw it or its author."""
    from thce.registry.console import print_crossval

    given = {
        "notes": notes or None,
        "output": output,
        "by": by,
        "folds": folds,
        "repeats": repeats,
    }
    found = report_of("crossval:CrossvalConfig", config, overrides, given)
    show(found, as_json, print_crossval)


def audit(
    config: str | None = CONFIG,
    overrides: list[str] = SET,
    as_json: bool = JSON,
    crossval: str | None = typer.Option(None, "--crossval", help="What crossval wrote."),
    store: str | None = typer.Option(None, "--store", help="The annotation store."),
    limit: int | None = typer.Option(None, "--limit", help="Notes to look at again; 0: none."),
    output: str | None = typer.Option(None, "--output", help="Batch of Prodigy tasks (.jsonl)."),
) -> None:
    """Finds labels that are probably wrong and puts their notes before a person again."""
    from thce.registry.console import print_audit

    given = {"crossval": crossval, "store": store, "limit": limit, "output": output}
    found = report_of("audit:AuditConfig", config, overrides, given)
    show(found, as_json, print_audit)
