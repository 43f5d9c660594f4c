"""When the diamond loop has learned what this pool can teach it."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import Field

from thce.config import Config


class StoppingRule(Config):
    """Any of these ends the loop before its last round; None switches one off.

    Attributes:
        plateau_rounds: rounds in a row without a gain in macro F1 of at least `min_gain`.
        min_gain: the smallest gain that counts.
        rare_f1: mean F1 of the rare flags at which they count as learned; together with a
            plateau of one round.
        rare_positives: a flag is rare with at most so many positives in the frozen test.
        disagreement_rate: share of pool notes in dispute at which asking more pays no more.
    """

    plateau_rounds: int | None = Field(2, ge=1)
    min_gain: float = Field(0.005, ge=0)
    rare_f1: float | None = Field(0.9, gt=0, le=1)
    rare_positives: int = Field(5, ge=1)
    disagreement_rate: float | None = Field(0.05, ge=0, le=1)


@dataclass(frozen=True)
class RoundScores:
    """What the rule looks at after a round.

    Attributes:
        macro_f1: on the frozen test.
        rare_f1: mean F1 of the rare flags there, or None when no flag is rare.
        disagreement_rate: over the pool.
    """

    macro_f1: float
    rare_f1: float | None
    disagreement_rate: float


def reason_to_stop(rule: StoppingRule, rounds: Sequence[RoundScores]) -> str | None:
    """Why the loop should stop after the last of these rounds, in words, or None to go on."""
    latest = rounds[-1]
    waited = rounds_without_gain(rule, rounds)
    if rule.plateau_rounds is not None and waited >= rule.plateau_rounds:
        return f"macro F1 gained less than {rule.min_gain} in {waited} rounds"
    limit = rule.disagreement_rate
    if limit is not None and latest.disagreement_rate <= limit:
        return f"models and rules disagree on {latest.disagreement_rate:.1%} of the pool"
    learned = rule.rare_f1 is not None and latest.rare_f1 is not None
    if learned and latest.rare_f1 >= rule.rare_f1 and waited >= 1:  # type: ignore[operator]
        return f"rare flags reached F1 {latest.rare_f1:.2f} and macro F1 rises no more"
    return None


def rounds_without_gain(rule: StoppingRule, rounds: Sequence[RoundScores]) -> int:
    """How many of the last rounds did not beat the best before them by `min_gain`."""
    best, waited = -1.0, 0
    for scores in rounds:
        if scores.macro_f1 >= best + rule.min_gain:
            waited = 0
        else:
            waited += 1
        best = max(best, scores.macro_f1)
    return waited
