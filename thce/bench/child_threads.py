"""How many threads each process that is started meanwhile computes with."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_VARIABLE = "OMP_NUM_THREADS"


@contextmanager
def child_threads(threads: int) -> Iterator[None]:
    """Torch and numpy read the number when they are imported: this process keeps its own."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = str(threads)
    try:
        yield
    finally:
        os.environ.pop(_VARIABLE)
        if before is not None:
            os.environ[_VARIABLE] = before
