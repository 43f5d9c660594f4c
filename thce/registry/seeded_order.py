"""An order drawn from a seed and identifiers alone, whatever order the rows come in."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def seeded_keys(encounter_ids: Sequence[str], seed: int, purpose: str = "") -> NDArray[np.uint64]:
    """A uniform 64-bit key per identifier: sorting by it shuffles reproducibly.

    A generator would hand its numbers out in row order; a keyed hash gives a note the same
    number on every machine, in every shard and beside any other notes.

    Args:
        encounter_ids: one per row.
        seed: another seed, another shuffle.
        purpose: keeps two draws of one seed independent of each other.
    """
    salt = f"{seed}:{purpose}:".encode()
    digests = b"".join(
        blake2b(salt + name.encode(), digest_size=8).digest() for name in encounter_ids
    )
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
