"""What an evaluation and a run of the loop look like in a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table


def print_evaluation(found: dict[str, Any]) -> None:
    """Systems with their intervals, then the flags of the bundle's own decision."""
    console = Console()
    systems = Table(title=f"{found['notes']} notes, bundle {found['model']} ({found['weights']})")
    for column in ("system", "micro F1", "macro F1"):
        systems.add_column(column)
    for system in found["systems"]:
        systems.add_row(
            system["name"], _interval(system["micro_f1"]), _interval(system["macro_f1"])
        )
    console.print(systems)
    flags = Table(title="per flag, the bundle's joint decision")
    for column in ("flag", "precision", "recall", "F1", "positives"):
        flags.add_column(column, justify="left" if column == "flag" else "right")
    for one in found["systems"][0]["score"]["labels"]:
        if one["tp"] + one["fn"] + one["fp"]:
            values = [_number(one[name]) for name in ("precision", "recall", "f1")]
            flags.add_row(one["name"], *values, str(one["tp"] + one["fn"]))
    console.print(flags)
    if found["report"]:
        console.print(f"report: {found['report']}", soft_wrap=True)


def print_loop(found: dict[str, Any]) -> None:
    """One row per round, why it ended, and where the report or the waiting batch lies."""
    console = Console()
    table = Table(
        title="The diamond loop, round by round, on the frozen test", box=None, padding=(0, 1, 0, 0)
    )
    for column in ("round", "labels", "micro F1", "macro F1", "model alone", "disputed"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in found["rounds"]:
        scores = one["scores"]
        table.add_row(
            str(one["number"]),
            str(one["labels_spent"]),
            *(
                _listed(scores[name]) if scores else "-"
                for name in ("micro_f1", "macro_f1", "model_micro_f1")
            ),
            f"{one['disagreement_rate']:.0%}",
        )
    console.print(table)
    console.print(
        "labels: notes answered; F1 of the joint decision, and micro F1 of the model alone"
    )
    console.print(f"stopped: {found['stopped']}", soft_wrap=True)
    if found["bundle"]:
        console.print(f"bundle: {found['bundle']}", soft_wrap=True)
    if found["waiting_for"]:
        console.print(f"batch to annotate: {found['waiting_for']}", soft_wrap=True)
    if found["report"]:
        console.print(f"report: {found['report']}", soft_wrap=True)


def _listed(value: list[float]) -> str:
    return f"{value[0]:.3f} ({value[1]:.2f}-{value[2]:.2f})"


def _interval(value: dict[str, Any]) -> str:
    if value["estimate"] is None:
        return "-"
    return _listed([value["estimate"], value["low"], value["high"]])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
