"""What an evaluation found, as plain data: what reports are made of and what JSON holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from thce.evaluation.comparison import Comparison
from thce.evaluation.intervals import Interval, wilson
from thce.evaluation.multilabel import MultilabelScore, nan_to_none


@dataclass(frozen=True)
class SystemScore:
    """One system on one set of notes.

    Attributes:
        name: such as joint, model, rules, union, previous.
        score: counts and ratios, per label and together.
        micro_f1: with its bootstrap interval over notes.
        macro_f1: likewise, over the labels in `score.macro_labels`.
        label_f1: per label in the order of `score.labels`, with Wilson intervals.
    """

    name: str
    score: MultilabelScore
    micro_f1: Interval
    macro_f1: Interval
    label_f1: tuple[Interval, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


@dataclass(frozen=True)
class Evaluation:
    """Several systems on the same notes; the first one is what the report is about.

    Attributes:
        systems: each with its scores.
        comparisons: paired differences, first system less another, per metric.
    """

    systems: tuple[SystemScore, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def main(self) -> SystemScore:
        """The system that the report is about."""
        return self.systems[0]

    def system(self, name: str) -> SystemScore | None:
        """The system of that name, where it was evaluated."""
        return next((system for system in self.systems if system.name == name), None)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self))


@dataclass(frozen=True)
class BundleVersion:
    """Which model it was.

    Attributes:
        version: the bundle's version.
        fingerprint: the hash that its manifest amounts to.
    """

    version: str
    fingerprint: str


@dataclass(frozen=True)
class Provenance:
    """Where labels and notes came from, so that figures are not taken for more than they are.

    Attributes:
        gold: what predictions were scored against, in words.
        corpus: which notes, in words.
        fictional: whether the notes were made up.
        reviewed_by_clinician: whether a clinician reviewed the labels.
        annotator: who answered during a loop, in words; None where nobody did.
        seeds: by name.
    """

    gold: str
    corpus: str
    fictional: bool
    reviewed_by_clinician: bool
    annotator: str | None = None
    seeds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RoundResult:
    """One round of the loop.

    Attributes:
        number: 0 is the start, before anybody answered.
        labels_spent: notes that the annotator has answered so far, all rounds together.
        training_notes: notes that the model of this round was trained on.
        evaluation: on the frozen test notes; the first system is what this round
            would have answered.
        disagreeing: pool notes in which model and deterministic signals differ on a flag on
            which the latter can speak.
        compared: pool notes looked at for that.
        bundle: the model of this round.
    """

    number: int
    labels_spent: int
    training_notes: int
    evaluation: Evaluation
    disagreeing: int
    compared: int
    bundle: BundleVersion

    @property
    def disagreement(self) -> Interval:
        """The share of pool notes with a disagreement; NaN once the pool is empty."""
        return wilson(self.disagreeing, self.compared)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, null where undefined."""
        return nan_to_none(asdict(self) | {"disagreement": asdict(self.disagreement)})
