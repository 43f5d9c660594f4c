"""`thce annotations anchoring`: how far the prefill pulls."""

import typer

from thce.annotations.cli_options import StorePath, open_store
from thce.command_options import AsJson, show
from thce.errors import InputError


def add_to(app: typer.Typer) -> None:
    """Adds the command to the application."""
    app.command("anchoring")(anchoring)


def anchoring(store: StorePath = None, as_json: AsJson = False) -> None:
    """How far the prefill pulls the people who answer, measured on blind tasks."""
    from thce.annotations.anchoring import measure_anchoring
    from thce.evaluation.anchoring_section import describe_anchoring, describe_pull

    with open_store(store) as opened:
        found, path = measure_anchoring(opened), opened.path
    if found is None:
        raise InputError(
            f"{path}: no batch has an answered blind task beside an answered one with prefill; "
            "sample with --blind-fraction"
        )
    flags = [
        f"{kind} {one.flag}: {one.shown_accepted} of {one.shown} with prefill, "
        f"{one.blind_accepted} of {one.blind} blind, pull {describe_pull(one.pull)}"
        for kind, pull in (("ticked", found.ticked), ("unticked", found.unticked))
        for one in pull.flags
        if one.shown and one.blind and one.shown_accepted + one.blind_accepted
    ]
    show(found.to_dict(), as_json, "\n".join([*describe_anchoring(found), *flags]))
