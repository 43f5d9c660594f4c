"""What the `thce registry` commands share: options that several have, and running a step."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from thce.command_options import show

Hydrated = Annotated[str | None, typer.Option("--hydrated", help="What hydrate wrote.")]
Model = Annotated[str | None, typer.Option("--model", help="Bundle: folder, URL or champion:...")]
Notes = Annotated[str | None, typer.Option("--input", help="Notes: file, folder or glob.")]
NotesGiven = Annotated[
    list[str],
    typer.Option(
        "--notes",
        help="Notes: file, folder or glob. Repeatable.",
        default_factory=list,
        show_default=False,
    ),
]
Store = Annotated[str | None, typer.Option("--store", help="The annotation store.")]
RunFolder = Annotated[
    str | None, typer.Option("--output", help="Folder of the run; resumed if there.")
]
Batch = Annotated[str | None, typer.Option("--output", help="Batch of Prodigy tasks (.jsonl).")]
BlindFraction = Annotated[
    float | None,
    typer.Option("--blind-fraction", help="Share of tasks without prefill, to measure its pull."),
]


def run(
    step: str,
    config: str | None,
    overrides: list[str],
    as_json: bool,
    printed: Callable[[dict[str, Any]], None] | None = None,
    **given: Any,
) -> dict[str, Any]:
    """Runs a step of this room and prints its report.

    Args:
        step: `MODULE:CONFIG_CLASS` within thce.registry.
        config: YAML file, or None.
        overrides: `a.b=value`, in order.
        as_json: see `show`.
        printed: see `show`.
        given: fields by options of their own; None where not given.

    Returns:
        The report.
    """
    from thce.steps import run_step

    module, config_class = step.split(":")
    report = run_step(f"thce.registry.{module}", config_class, config, overrides, **given)
    show(report, as_json, printed)
    return report
