"""What the reports of steps look like in a terminal."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from rich.console import Console, JustifyMethod
from rich.table import Table

SUSPECTS_SHOWN = 30


def print_evaluation(found: dict[str, Any]) -> None:
    """Systems with their intervals, then the flags of the bundle's own decision."""
    console = Console()
    systems = _table(
        f"{found['notes']} notes, bundle {found['model']} ({found['weights']})",
        ("system", "micro F1", "macro F1"),
    )
    for system in found["systems"]:
        systems.add_row(
            system["name"], _interval(system["micro_f1"]), _interval(system["macro_f1"])
        )
    console.print(systems)
    figures = ("precision", "recall", "F1", "positives", "calib. error", "Brier")
    flags = _table(
        "per flag, the bundle's joint decision", ("flag", *figures), right=figures, dense=True
    )
    calibration = found["calibration"]
    for one in found["systems"][0]["score"]["labels"]:
        if one["tp"] + one["fn"] + one["fp"]:
            values = [_number(one[name]) for name in ("precision", "recall", "f1")]
            of_model = calibration["labels"][one["name"]]
            errors = [_number(of_model[name]["estimate"]) for name in ("error", "brier")]
            flags.add_row(one["name"], *values, str(one["tp"] + one["fn"]), *errors)
    console.print(flags)
    pooled = calibration["pooled"]
    console.print(
        f"calibration error of the model over all flags: {_interval(pooled['error'])}; "
        f"{_number(pooled['error_if_perfect'])} if every probability were right"
    )
    _print_paths(console, {"report": found["report"]})


def print_loop(found: dict[str, Any]) -> None:
    """One row per round, why it ended, and where the report or the waiting batch lies."""
    console = Console()
    columns = ("round", "labels", "micro F1", "macro F1", "model alone", "disputed")
    table = _table(
        "The diamond loop, round by round, on the frozen test", columns, right=columns, dense=True
    )
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
    _print_paths(
        console,
        {
            "bundle": found["bundle"],
            "batch to annotate": found["waiting_for"],
            "report": found["report"],
        },
    )


def print_abstention(found: dict[str, Any]) -> None:
    """What may be accepted without a person, and on what evidence."""
    console = Console()
    table = _table(
        f"accepted without a person at precision {found['precision']}, "
        f"confidence {found['confidence']}",
        ("flag", "from log-odds", "basis", "right of accepted"),
        right=("from log-odds", "right of accepted"),
    )
    for name, one in found["flags"].items():
        if one["decisions"]:
            cutoff = "a person" if one["cutoff"] is None else f"{one['cutoff']:.2f}"
            table.add_row(name, cutoff, one["basis"], f"{one['right']} of {one['decisions']}")
    console.print(table)
    if found["pooled"] is not None:
        test = found["pooled"]
        console.print(
            f"pooled: {test['right']} of {test['decisions']} right, one flag a note; "
            f"precision at least {test['lower_bound']:.3f}"
        )
    console.print(
        f"{found['automatic']} of {found['accepted']} accepted flags are automatic, "
        f"{found['automatic_right']} of the {found['automatic_known']} with a label right; "
        f"in {found['notes_all_automatic']} of {found['notes']} notes all accepted ones are"
    )
    _print_paths(console, {"cutoffs": found["output"]})


def print_audit(found: dict[str, Any]) -> None:
    """The most suspicious labels, and where they are looked at again."""
    console = Console()
    if not found["suspects"]:
        console.print(f"no label looks wrong in {found['notes']} notes")
        return
    table = _table(
        f"labels probably wrong in {found['notes']} notes, most suspicious first",
        ("encounter", "flag", "given", "probability"),
        right=("probability",),
    )
    for one in found["suspects"][:SUSPECTS_SHOWN]:
        given = "true" if one["given"] else "false"
        table.add_row(one["encounter_id"], one["flag"], given, f"{one['probability']:.3f}")
    console.print(table)
    if len(found["suspects"]) > SUSPECTS_SHOWN:
        console.print(f"{len(found['suspects'])} in all (--json shows them)")
    if found["batch"]:
        console.print(f"batch {found['batch']}: {found['tasks']} notes to look at again")
    else:
        console.print("no batch: no note is to be looked at again")


def print_crossval(found: dict[str, Any]) -> None:
    """Systems over all out-of-fold decisions, then fold by fold."""
    console = Console()
    table = _table(
        f"{found['notes']} notes, each judged by models that never saw it",
        ("test", "system", "micro F1", "macro F1"),
    )
    together = {"name": "all", "test_notes": found["notes"], "systems": found["systems"]}
    for part in [together, *found["folds"]]:
        for system in part["systems"]:
            table.add_row(
                f"{part['name']} ({part['test_notes']})",
                system["name"],
                _interval(system["micro_f1"]),
                _interval(system["macro_f1"]),
            )
    console.print(table)
    _print_paths(console, {"out-of-fold probabilities": found["out_of_fold"]})


def _table(
    title: str, columns: Sequence[str], *, right: Collection[str] = (), dense: bool = False
) -> Table:
    """An empty table.

    Args:
        title: stands above it.
        columns: headings from left to right.
        right: those set flush right.
        dense: without lines, and no cell is broken.
    """
    table = Table(title=title, box=None, padding=(0, 1, 0, 0)) if dense else Table(title=title)
    for column in columns:
        justify: JustifyMethod = "right" if column in right else "left"
        table.add_column(column, justify=justify, no_wrap=dense)
    return table


def _print_paths(console: Console, paths: Mapping[str, str | None]) -> None:
    """A line for each path there is; paths are copied, so none is broken."""
    for name, path in paths.items():
        if path:
            console.print(f"{name}: {path}", soft_wrap=True)


def _listed(value: list[float]) -> str:
    return f"{value[0]:.3f} ({value[1]:.2f}-{value[2]:.2f})"


def _interval(value: dict[str, Any]) -> str:
    if value["estimate"] is None:
        return "-"
    return _listed([value["estimate"], value["low"], value["high"]])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
