"""How well reasoning is formed, by four checks that need no model. It says nothing of its truth."""

from collections.abc import Sequence

LONGEST_STEP = 240
FEWEST_STEPS = 2


def reasoning_quality(steps: Sequence[str], code: str) -> float:
    """0 for no reasoning, else the share of four checks that hold, 0 to 1.

    They are: two steps at least; no step longer than 240 characters; the code's family (its first
    three characters) is named; the code itself is named.
    """
    if not steps:
        return 0.0
    told = " ".join(steps)
    checks = (
        len(steps) >= FEWEST_STEPS,
        max(map(len, steps)) <= LONGEST_STEP,
        code[:3] in told,
        code in told,
    )
    return sum(checks) / len(checks)
