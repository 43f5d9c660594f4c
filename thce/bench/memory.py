"""The memory of this process and everything it started, sampled while something runs."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from thce.bench.processes import family

SAMPLE_SECONDS = 0.5
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Peak:
    """The largest values seen, in bytes.

    Attributes:
        total: private pages of all processes and the largest shared part once: Ray's object store
            is mapped into every worker and would otherwise count as often as there are workers.
        driver: resident memory of this process.
        largest_child: resident memory of the largest other process.
        samples: how often was looked.
    """

    total: int = 0
    driver: int = 0
    largest_child: int = 0
    samples: int = 0

    def see(self, resident: dict[int, tuple[int, int]]) -> None:
        """Takes one sample: process -> resident and shared bytes."""
        mine = os.getpid()
        private = sum(size - shared for size, shared in resident.values())
        self.total = max(self.total, private + max(shared for _, shared in resident.values()))
        self.driver = max(self.driver, resident[mine][0])
        others = [size for process, (size, _) in resident.items() if process != mine]
        self.largest_child = max(self.largest_child, *others, 0)
        self.samples += 1


@contextmanager
def sampled_peak() -> Iterator[Peak]:
    """Samples until the block ends; the peak is complete after it."""
    peak, stop = Peak(), threading.Event()

    def sample() -> None:
        while True:
            peak.see(_resident_memory())
            if stop.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _resident_memory() -> dict[int, tuple[int, int]]:
    """Resident and shared bytes of this process and its descendants."""
    return {process: sizes for process in family() if (sizes := _sizes(process)) is not None}


def _sizes(process: int) -> tuple[int, int] | None:
    try:
        _, resident, shared, *_ = Path(f"/proc/{process}/statm").read_text().split()
    except OSError:
        return None
    return int(resident) * _PAGE, int(shared) * _PAGE
