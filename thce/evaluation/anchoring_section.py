"""The pull of the prefill as a section of a report."""

from collections.abc import Mapping

import numpy as np

from thce.evaluation.anchoring import Anchoring, Pull
from thce.evaluation.intervals import Interval
from thce.evaluation.page import Cell, Column, Section, Table
from thce.evaluation.wording import UNDEFINED, counted, signed

NOT_ESTIMABLE = "not estimable"

_COLUMNS = (
    Column("Flag", "text"),
    Column("Accepted, prefill seen"),
    Column("Accepted, blind"),
    Column("Pull"),
)


def anchoring_section(found: Anchoring, titles: Mapping[str, str]) -> Section:
    """Both pulls in words, then flag by flag.

    Args:
        found: what the blind tasks say.
        titles: flag titles by name.
    """
    tables = [
        _table("Flags that the prefill ticks", found.ticked, titles),
        _table("Flags that the prefill leaves unticked", found.unticked, titles),
    ]
    return Section(
        title="Pull of the prefill",
        paragraphs=describe_anchoring(found),
        tables=[table for table in tables if table.rows],
    )


def describe_anchoring(found: Anchoring) -> list[str]:
    """What the blind tasks say, in sentences."""
    return [
        f"{counted(found.blind_notes, 'answered note')} came without prefill and "
        f"{found.shown_notes:,} with it, drawn by lot within each batch. What people accept in the "
        "one and in the other differs by the pull of the prefill.",
        f"On flags that the prefill ticks the pull is {describe_pull(found.ticked.pooled)}: "
        + _reading(found.ticked.pooled, 1, "people leave ticks standing that they would not set."),
        f"On flags that it leaves unticked the pull is {describe_pull(found.unticked.pooled)}: "
        + _reading(
            found.unticked.pooled, -1, "people overlook procedures that they would have ticked."
        ),
    ]


def describe_pull(found: Interval) -> str:
    """The estimate with its interval, or what of them cannot be estimated."""
    if np.isnan(found.estimate):
        return NOT_ESTIMABLE
    if np.isnan(found.low):
        return f"{signed(found.estimate)} (interval {NOT_ESTIMABLE})"
    return f"{signed(found.estimate)} ({signed(found.low)} to {signed(found.high)})"


def _reading(pooled: Interval, expected: int, meaning: str) -> str:
    none = "no evidence of a pull, which is not evidence of none."
    if np.isnan(pooled.estimate):
        return f"in no batch does such a flag occur both with and without prefill; {none}"
    if np.isnan(pooled.low):
        return f"too few notes for an interval; {none}"
    if not pooled.excludes(0):
        return none
    if pooled.estimate * expected > 0:
        return f"evidence that {meaning}"
    return "evidence of a pull away from what is shown."


def _table(caption: str, pull: Pull, titles: Mapping[str, str]) -> Table:
    rows = [
        [
            Cell(titles.get(one.flag, one.flag)),
            _share(one.shown_accepted, one.shown),
            _share(one.blind_accepted, one.blind),
            _pull_cell(one.pull),
        ]
        for one in pull.flags
    ]
    return Table(
        caption=caption,
        columns=_COLUMNS,
        rows=rows,
        note="Pull: the share accepted with the prefill less the share without it, batch by batch, "
        "with Newcombe's 95 % interval, which takes answers as independent: where several people "
        "answered the same notes it is too narrow. Among so many flags one interval in twenty "
        "excludes zero by chance; the figure over all flags, in the text, is the one to go by.",
    )


def _share(accepted: int, cells: int) -> Cell:
    return Cell(f"{accepted:,} of {cells:,}") if cells else Cell(UNDEFINED)


def _pull_cell(pull: Interval) -> Cell:
    if np.isnan(pull.estimate):
        return Cell(NOT_ESTIMABLE)
    return Cell(signed(pull.estimate), f"{signed(pull.low)} to {signed(pull.high)}")
