"""The application's own metrics, by way of Ray's: every replica's are gathered on its node."""

from collections.abc import Mapping
from functools import cache
from typing import Any

SECONDS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0]
"""Upper bounds of the latency histogram's buckets."""


class Meters:
    """Counts requests of one part of the application."""

    def __init__(self, part: str) -> None:
        """`part` is the label that tells the parts apart."""
        self._part = part

    def request(self, route: str, status: int, seconds: float) -> None:
        """One request that was answered."""
        labels = {"part": self._part, "route": route}
        count("thce_requests", "Requests, by status.", labels | {"status": str(status)})
        observe("thce_request_seconds", "From the first byte to the last.", labels, seconds)


def count(name: str, description: str, labels: Mapping[str, str], by: float = 1.0) -> None:
    """Adds to a counter; Ray's refuse to add nothing."""
    if by > 0:
        _meter("Counter", name, description, tuple(labels)).inc(by, dict(labels))


def gauge(name: str, description: str, labels: Mapping[str, str], value: float) -> None:
    """Sets a gauge."""
    _meter("Gauge", name, description, tuple(labels)).set(value, dict(labels))


def observe(name: str, description: str, labels: Mapping[str, str], seconds: float) -> None:
    """Adds to a histogram of seconds."""
    _meter("Histogram", name, description, tuple(labels)).observe(seconds, dict(labels))


@cache
def _meter(kind: str, name: str, description: str, labels: tuple[str, ...]) -> Any:
    from ray.util import metrics

    if kind == "Histogram":
        return metrics.Histogram(name, description, boundaries=SECONDS, tag_keys=labels)
    return getattr(metrics, kind)(name, description, tag_keys=labels)
