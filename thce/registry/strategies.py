"""Which notes to ask a person about: five strategies, each a class with one method.

`select` returns the chosen rows, best first, so that any beginning of a batch is the best batch
of that size. Ties are broken by a hash of seed and encounter id, never by row order. Where the
candidates carry near-duplicate groups, a second note of a group waits until every group had one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from thce.registry.candidates import Candidates, counted_disagreements
from thce.registry.labels import TRUE
from thce.registry.seeded_order import seeded_keys

Rows = NDArray[np.int64]


class Strategy(Protocol):
    """What every strategy offers."""

    needs_model: ClassVar[bool]

    def select(self, candidates: Candidates, limit: int, seed: int) -> Rows:
        """Rows of at most `limit` candidates, best first, none twice."""
        ...


class Disagreement:
    """Most flags on which model and deterministic side are at odds, where both can speak."""

    needs_model: ClassVar[bool] = True

    def select(self, candidates: Candidates, limit: int, seed: int) -> Rows:
        """Rows by falling count of counted disagreements."""
        return ranked(counted_disagreements(candidates).sum(axis=1), candidates, limit, seed)


@dataclass(frozen=True)
class Uncertainty:
    """Probabilities nearest to their thresholds, averaged over a note's least certain flags.

    A single flag, or three, near their thresholds are found in almost every note: a note pays
    where many flags are in doubt at once (docs/label-efficiency.md).
    """

    flags: int = 10
    needs_model: ClassVar[bool] = True

    def select(self, candidates: Candidates, limit: int, seed: int) -> Rows:
        """Rows by falling uncertainty."""
        closeness = np.sort(_closeness(candidates), axis=1)[:, -self.flags :]
        return ranked(closeness.mean(axis=1), candidates, limit, seed)


class Random:
    """A seeded shuffle: the honest baseline, and exploration within `Hybrid`."""

    needs_model: ClassVar[bool] = False

    def select(self, candidates: Candidates, limit: int, seed: int) -> Rows:
        """Rows in the order of their keys."""
        return ranked(np.zeros(len(candidates)), candidates, limit, seed)


class RareBoost:
    """Notes likely to hold the flags that have the fewest positive labels so far.

    A flag is likely where the model, the codes or the rules see it; it weighs 1 / (1 + positives),
    and what has been chosen counts as a positive for the choices after it, so that a batch
    spreads over the rare flags.
    """

    needs_model: ClassVar[bool] = False

    def select(self, candidates: Candidates, limit: int, seed: int) -> Rows:
        """Rows in greedy order."""
        likely = (candidates.deterministic == TRUE) | (candidates.cpt == TRUE)
        if candidates.model is not None:
            likely |= candidates.model.accept
        return _greedy_cover(likely, candidates, limit, seed)


@dataclass(frozen=True)
class Hybrid:
    """A mixture: by default 50 % uncertainty, 40 % rare flags, 10 % random.

    Uncertainty learns the most where every flag has its share of notes, rare flags where some
    hardly have any, and nobody knows beforehand which pool is which; the mixture was not seen
    behind random on either (docs/label-efficiency.md).

    The parts take turns by quota, so that every beginning of the batch is mixed alike; a note
    that one part has taken is taken for all. Without a model, the parts that need one stand aside
    and the others keep their proportion.
    """

    shares: Mapping[str, float] = field(
        default_factory=lambda: {
            "uncertainty": 0.5,
            "rare_boost": 0.4,
            "random": 0.1,
        }
    )
    needs_model: ClassVar[bool] = False

    def select(self, candidates: Candidates, limit: int, seed: int) -> Rows:
        """Rows in turn from the parts."""
        parts = {
            name: share
            for name, share in self.shares.items()
            if candidates.model is not None or not STRATEGIES[name].needs_model
        }
        rankings = [STRATEGIES[name].select(candidates, limit, seed).tolist() for name in parts]
        quotas = np.array(list(parts.values())) / sum(parts.values())
        return _take_turns(rankings, quotas, min(limit, len(candidates)), candidates.groups)


def ranked(
    scores: NDArray[np.floating] | NDArray[np.integer],
    candidates: Candidates,
    limit: int,
    seed: int,
) -> Rows:
    """Rows by falling score, ties by seeded key, near-duplicates put off."""
    order = np.lexsort((seeded_keys(candidates.encounter_ids, seed), -scores))
    return spread_groups(order, candidates.groups)[:limit]


def spread_groups(order: Rows, groups: NDArray[np.integer] | None) -> Rows:
    """The same rows, the first of each near-duplicate group ahead of all others."""
    if groups is None:
        return order
    _, first = np.unique(groups[order], return_index=True)
    ahead = np.zeros(len(order), dtype=bool)
    ahead[first] = True
    return np.concatenate([order[ahead], order[~ahead]])


def _closeness(candidates: Candidates) -> NDArray[np.floating]:
    """1 at the threshold, falling to 0 at probabilities 0 and 1; 0 where the model abstains."""
    model = candidates.model
    if model is None:
        return np.zeros(candidates.deterministic.shape)
    threshold = np.clip(model.thresholds, 1e-6, 1 - 1e-6)
    below = model.probabilities / threshold
    above = (1 - model.probabilities) / (1 - threshold)
    return np.minimum(below, above) * model.speaks


def _greedy_cover(likely: NDArray[np.bool_], candidates: Candidates, limit: int, seed: int) -> Rows:
    """Each time the row whose likely flags weigh most; weights fall as rows are taken."""
    # In the order of keys, argmax settles ties by key.
    order = np.argsort(seeded_keys(candidates.encounter_ids, seed))
    likely = likely[order]
    groups = None if candidates.groups is None else candidates.groups[order]
    counts = candidates.label_counts.astype(np.float64)
    gains = (likely / (1.0 + counts)).sum(axis=1)
    having = [np.flatnonzero(likely[:, flag]) for flag in range(likely.shape[1])]
    untaken = np.ones(len(order), dtype=bool)
    fresh = untaken.copy()
    chosen = []
    for _ in range(min(limit, len(order))):
        eligible = fresh if fresh.any() else untaken
        row = int(np.where(eligible, gains, -1.0).argmax())
        chosen.append(row)
        untaken[row] = fresh[row] = False
        if groups is not None:
            fresh &= groups != groups[row]
        for flag in np.flatnonzero(likely[row]):
            gains[having[flag]] -= 1 / (1 + counts[flag]) - 1 / (2 + counts[flag])
            counts[flag] += 1
    return order[np.array(chosen, dtype=np.int64)]


def _take_turns(
    rankings: list[list[int]],
    quotas: NDArray[np.float64],
    length: int,
    groups: NDArray[np.integer] | None,
) -> Rows:
    """Merges rankings; the part furthest behind its quota takes its next note.

    Each ranking holds at least `length` rows, so that together they never run dry; only notes
    whose group had none are taken until no part has any left.
    """
    taken: dict[int, None] = {}
    seen_groups: set[int] = set()
    given = np.zeros(len(rankings))
    for group_of in (groups, None):
        queues = [iter(ranking) for ranking in rankings]
        open_parts = np.ones(len(rankings), dtype=bool)
        while len(taken) < length and open_parts.any():
            behind = np.where(open_parts, quotas * (len(taken) + 1) - given, -np.inf)
            part = int(behind.argmax())
            row = _next_row(queues[part], taken, group_of, seen_groups)
            if row is None:
                open_parts[part] = False
                continue
            taken[row] = None
            given[part] += 1
    return np.fromiter(taken, dtype=np.int64, count=len(taken))


def _next_row(
    queue: Iterator[int],
    taken: Mapping[int, None],
    groups: NDArray[np.integer] | None,
    seen_groups: set[int],
) -> int | None:
    """The queue's next untaken row of a group not seen; None where the queue has run out."""
    for row in queue:
        if row in taken:
            continue
        if groups is None:
            return row
        if int(groups[row]) not in seen_groups:
            seen_groups.add(int(groups[row]))
            return row
    return None


STRATEGIES: dict[str, Strategy] = {
    "disagreement": Disagreement(),
    "uncertainty": Uncertainty(),
    "random": Random(),
    "rare_boost": RareBoost(),
    "hybrid": Hybrid(),
}
