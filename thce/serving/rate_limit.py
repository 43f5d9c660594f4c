"""How many requests a caller may send: a token bucket each."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

CALLERS = 10_000
"""Buckets kept; the one unused for the longest goes first, and it was full again by then."""


class RateLimit:
    """Buckets of `burst` requests that fill at `rate` a second."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, caller: str) -> int:
        """Takes one request from a caller's bucket.

        Returns:
            0, or the whole seconds after which there is room again.
        """
        now = self._clock()
        left, at = self._buckets.pop(caller, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._rate)
        allowed = left >= 1
        self._buckets[caller] = (left - allowed, now)
        if len(self._buckets) > CALLERS:
            self._buckets.popitem(last=False)
        return 0 if allowed else math.ceil((1 - left) / self._rate)
