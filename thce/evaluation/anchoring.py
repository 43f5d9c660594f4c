"""Anchoring: how far a prefill pulls the people who answer, measured on blind tasks.

Some tasks, drawn at random, show no prefill; what it would have been is kept. Among cells that
the prefill ticks, or would have ticked, the share that people accept where they saw it less the
share where they did not is what ticked boxes add. Among all other cells the same difference is
what an unticked box in a prefilled task takes away: procedures that people overlook because
nobody ticked them. Within a batch it is drawn by lot which task is blind, so both differences are
effects of the prefill and not of the notes; batches and flags are strata.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from thce.evaluation.intervals import Interval
from thce.evaluation.multilabel import nan_to_none
from thce.evaluation.rate_differences import (
    SUCCESSES,
    TRIALS,
    Counts,
    clustered_difference,
    stratified_difference,
)

SHOWN, BLIND = 0, 1


@dataclass(frozen=True)
class FlagPull:
    """The pull on one flag.

    Attributes:
        flag: its name.
        shown_accepted: cells accepted where the prefill was seen.
        shown: cells where it was seen.
        blind_accepted: cells accepted where it was hidden.
        blind: cells where it was hidden.
        pull: share accepted where seen less where hidden, over batches; NaN without both.
    """

    flag: str
    shown_accepted: int
    shown: int
    blind_accepted: int
    blind: int
    pull: Interval


@dataclass(frozen=True)
class Pull:
    """The pull on one kind of cell.

    Attributes:
        pooled: over batches and flags; tasks are the units of its interval.
        flags: those with a cell in either arm, in the order given.
    """

    pooled: Interval
    flags: tuple[FlagPull, ...]


@dataclass(frozen=True)
class Anchoring:
    """What the blind tasks of a store say.

    Attributes:
        shown_notes: answered notes whose prefill was seen, in batches with blind tasks.
        blind_notes: answered notes whose prefill was hidden.
        annotators: who answered them.
        ticked: on cells that the prefill ticks: above 0, people leave standing what they would
            not have ticked.
        unticked: on all other cells: below 0, people overlook what they would have ticked.
    """

    shown_notes: int
    blind_notes: int
    annotators: tuple[str, ...]
    ticked: Pull
    unticked: Pull

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


def measure_pull(blocks: Sequence[Counts], flags: Sequence[str]) -> Pull:
    """The pull per flag and over all flags.

    Over all flags a task adds several cells that rise and fall together, and so do the answers of
    several annotators to it: there tasks are the units. Per flag cells are taken as independent,
    which they are with one annotator a task; with more, the interval per flag is too narrow.

    Args:
        blocks: per batch (tasks, L, 2, 2): cells accepted and cells, seen and hidden.
        flags: L names.
    """
    totals = np.stack([block.sum(axis=0) for block in blocks])
    return Pull(
        pooled=clustered_difference(blocks),
        flags=tuple(
            _flag_pull(flag, totals[:, column])
            for column, flag in enumerate(flags)
            if totals[:, column, :, TRIALS].any()
        ),
    )


def _flag_pull(flag: str, counts: Counts) -> FlagPull:
    """From (batches, 2, 2) of one flag."""
    total = counts.sum(axis=0)
    return FlagPull(
        flag=flag,
        shown_accepted=int(total[SHOWN, SUCCESSES]),
        shown=int(total[SHOWN, TRIALS]),
        blind_accepted=int(total[BLIND, SUCCESSES]),
        blind=int(total[BLIND, TRIALS]),
        pull=stratified_difference(counts),
    )
