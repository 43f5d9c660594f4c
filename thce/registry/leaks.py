"""The leak check: nothing that a test note judges may have been seen in training."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from thce.errors import Finding
from thce.registry.splits import TEST, TRAIN

SAME_ENCOUNTER = "the same encounter in two splits"
SAME_TEXT = "the same prepared text in two splits"
NEAR_DUPLICATE = "near-duplicate notes in two splits"
HUMAN_TEST_LABEL = "human labels of a test note in training"
LEFT_TEST = "a frozen test note outside test"

SHOWN_IDS = 5


@dataclass(frozen=True)
class Leak:
    """One way in which splits share what they must not.

    Attributes:
        kind: one of the constants of this module.
        cases: shared encounters, texts or groups.
        encounter_ids: the notes concerned, sorted.
    """

    kind: str
    cases: int
    encounter_ids: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.encounter_ids[:SHOWN_IDS])
        more = len(self.encounter_ids) - SHOWN_IDS
        return f"{self.kind}: {self.cases} ({shown}{f' and {more} more' if more > 0 else ''})"


@dataclass(frozen=True)
class SplitRows:
    """The rows of all splits together, as the check sees them.

    Attributes:
        encounter_ids: one per row.
        texts: the prepared texts.
        groups: the near-duplicate group of each row.
        splits: "train", "val" or "test" of each row.
    """

    encounter_ids: Sequence[str]
    texts: Sequence[str]
    groups: Sequence[Hashable]
    splits: Sequence[str]


def find_leaks(
    rows: SplitRows,
    human_encounters: Collection[str] = (),
    frozen: Mapping[str, str] | None = None,
) -> list[Leak]:
    """Every leak between the splits.

    Args:
        rows: what training, validation and test would read.
        human_encounters: the encounters that a person labelled.
        frozen: earlier assignments: what was test then may not be anything else now.

    Returns:
        The leaks, none where the splits are clean.
    """
    digests = [sha256(text.encode()).digest() for text in rows.texts]
    leaks = [
        _shared(SAME_ENCOUNTER, rows, rows.encounter_ids),
        _shared(SAME_TEXT, rows, digests),
        _shared(NEAR_DUPLICATE, rows, rows.groups),
    ]
    earlier = frozen or {}
    once_test = {name for name, split in earlier.items() if split == TEST}
    once_test |= _encounters_in(rows, TEST)
    trained_on = once_test & _encounters_in(rows, TRAIN) & set(human_encounters)
    left = {
        name
        for name, split in zip(rows.encounter_ids, rows.splits, strict=True)
        if earlier.get(name) == TEST and split != TEST
    }
    leaks += [_named(HUMAN_TEST_LABEL, trained_on), _named(LEFT_TEST, left)]
    return [leak for leak in leaks if leak.cases]


def require_no_leaks(leaks: Sequence[Leak]) -> None:
    """Fails the run where there is a leak.

    Raises:
        Finding: names every kind with its count and encounter ids, never a text.
    """
    if leaks:
        raise Finding("leak between splits: " + "; ".join(str(leak) for leak in leaks))


def _shared(kind: str, rows: SplitRows, keys: Iterable[Hashable]) -> Leak:
    """The keys that occur in more than one split."""
    where: dict[Hashable, set[str]] = defaultdict(set)
    names: dict[Hashable, set[str]] = defaultdict(set)
    for key, name, split in zip(keys, rows.encounter_ids, rows.splits, strict=True):
        where[key].add(split)
        names[key].add(name)
    shared = [key for key, splits in where.items() if len(splits) > 1]
    concerned = {name for key in shared for name in names[key]}
    return Leak(kind, len(shared), tuple(sorted(concerned)))


def _named(kind: str, names: set[str]) -> Leak:
    return Leak(kind, len(names), tuple(sorted(names)))


def _encounters_in(rows: SplitRows, wanted: str) -> set[str]:
    return {
        name for name, split in zip(rows.encounter_ids, rows.splits, strict=True) if split == wanted
    }
