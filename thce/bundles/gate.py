"""The gate of a promotion: evidence on the frozen test set, and what a candidate must show."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from thce.errors import Finding, InputError


class Difference(BaseModel):
    """Candidate minus champion on one metric, paired over the same test notes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    candidate: float
    champion: float
    difference: float
    low: float
    high: float

    def described(self, metric: str) -> str:
        """Both figures, their difference and its interval, in one line."""
        return (
            f"{metric} {self.candidate:.4f} against {self.champion:.4f}, difference "
            f"{self.difference:+.4f} ({self.low:+.4f} to {self.high:+.4f})"
        )


class Evidence(BaseModel):
    """What a gate decides on: both bundles, measured in one run on the frozen test set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    candidate: str
    champion: str
    test_fingerprint: str
    metrics: dict[str, Difference]


@dataclass(frozen=True)
class Gate:
    """What a candidate must show.

    Attributes:
        metric: the metric's name in the evidence.
        minimum_difference: candidate minus champion must be at least this.
        minimum_low: the lower end of that difference's interval must be at least this; None
            asks nothing of the interval.
    """

    metric: str = "macro_f1"
    minimum_difference: float = 0.0
    minimum_low: float | None = None

    def check(self, evidence: Evidence) -> None:
        """Passes or fails the candidate.

        Raises:
            InputError: the evidence does not hold the metric.
            Finding: the candidate does not pass.
        """
        if self.metric not in evidence.metrics:
            held = ", ".join(sorted(evidence.metrics))
            raise InputError(f"gate: no metric {self.metric!r} in the evidence; it holds {held}")
        found = evidence.metrics[self.metric]
        shown = found.described(self.metric)
        if not found.difference >= self.minimum_difference:
            raise Finding(f"gate failed: {shown}; at least {self.minimum_difference:+.4f} asked")
        if self.minimum_low is not None and not found.low >= self.minimum_low:
            raise Finding(f"gate failed: {shown}; lower end {self.minimum_low:+.4f} asked")
