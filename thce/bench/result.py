"""What a bench found: figures against a rival, each with its definition and its target."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from thce.errors import Finding


@dataclass(frozen=True)
class Comparison:
    """One figure of ours against the rival's, measured in the same run.

    Attributes:
        name: what is compared.
        definition: in words, what both sides do and how it is timed.
        unit: of `ours` and `rival`.
        ours: the median of our repetitions.
        rival: the median of the rival's.
        ratio: how many times the rival's speed ours is; above 1 ours is faster. Where the unit is
            not a speed the definition says what it is.
        target: the wanted ratio or figure, in words.
        ok: whether the target is met.
    """

    name: str
    definition: str
    unit: str
    ours: float
    rival: float
    ratio: float
    target: str
    ok: bool


@dataclass(frozen=True)
class BenchResult:
    """Everything that one bench prints.

    Attributes:
        name: of the bench.
        comparisons: the first one is the headline.
        repetitions: timed repetitions of each side.
        notes: notes (or synthetic rows) that each timed repetition of the headline went over.
        cores: cores that both sides had.
        checks: claims about the answers, which have to hold whatever the speed.
        details: what else was measured.
    """

    name: str
    comparisons: tuple[Comparison, ...]
    repetitions: int
    notes: int
    cores: int
    checks: Mapping[str, bool] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def misses(self) -> list[str]:
        """The targets and checks that did not hold."""
        missed = [
            f"{one.name} is {one.ratio:.3g}, target {one.target}"
            for one in self.comparisons
            if not one.ok
        ]
        return missed + [f"{name} does not hold" for name, held in self.checks.items() if not held]

    def line(self, machine: Mapping[str, Any]) -> str:
        """The one JSON line: the headline's figures on top, the other comparisons in `also`."""
        headline, *others = (_rounded(asdict(one)) for one in self.comparisons)
        content = {
            "bench": self.name,
            **headline,
            "ok": not self.misses,
            "headline_ok": headline["ok"],
            "also": others,
            "checks": dict(self.checks),
            "repetitions": self.repetitions,
            "notes": self.notes,
            "cores": self.cores,
            "details": _rounded(dict(self.details)),
            **machine,
        }
        return json.dumps(content, allow_nan=False)


def at_least(
    name: str, definition: str, unit: str, ours: float, rival: float, least: float
) -> Comparison:
    """A comparison of two speeds with the smallest ratio that is wanted."""
    ratio = ours / rival
    return Comparison(
        name, definition, unit, ours, rival, ratio, f"at least {least:g}", ratio >= least
    )


def require_targets(result: BenchResult) -> None:
    """Refuses a result that misses a target.

    Raises:
        Finding: it names each miss.
    """
    if result.misses:
        raise Finding(f"bench {result.name}: {'; '.join(result.misses)}")


def _rounded(value: Any) -> Any:
    """Floats at four significant digits, at any depth."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, dict):
        return {name: _rounded(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(inner) for inner in value]
    return value
