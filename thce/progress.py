"""What a long step says while it works."""

import sys


def say(step: str, line: str) -> None:
    """Progress for a person, on standard error: standard output is the report's.

    Args:
        step: who speaks, such as score.
        line: what about.
    """
    print(f"{step}: {line}", file=sys.stderr, flush=True)
