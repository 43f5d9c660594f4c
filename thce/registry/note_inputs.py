"""Notes of a step that takes several inputs."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from thce.notes.limits import MAX_BAD_PERCENT
from thce.notes.read import read_notes


def read_inputs(
    paths: Sequence[str], quarantines: Path, max_bad_percent: float = MAX_BAD_PERCENT
) -> list[pa.Table]:
    """The notes of each input, in order.

    Args:
        paths: files, folders, globs or URLs.
        quarantines: the folder where the bad rows of each are listed, as `quarantine-0.jsonl`
            and so on.
        max_bad_percent: the most bad rows of an input.

    Raises:
        InputError: an input is unusable.
    """
    return [
        read_notes(
            path,
            quarantine=str(quarantines / f"quarantine-{number}.jsonl"),
            max_bad_percent=max_bad_percent,
        )
        for number, path in enumerate(paths)
    ]
