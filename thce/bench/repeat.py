"""Timing two sides fairly: each warmed up once, then in turn, and the median of each."""

import time
from collections.abc import Callable, Mapping
from statistics import median


def interleaved_seconds(
    sides: Mapping[str, Callable[[], object]],
    repetitions: int,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of every repetition of every side, on the wall unless another clock is given.

    Each side runs once untimed. Then they take turns, in reverse order every other time, so that
    a machine that grows slower or faster meanwhile does so for all of them.
    """
    for run in sides.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for repetition in range(repetitions):
        order = list(sides)
        for name in order if repetition % 2 == 0 else order[::-1]:
            started = clock()
            sides[name]()
            seconds[name].append(clock() - started)
    return seconds


def medians(seconds: Mapping[str, list[float]]) -> dict[str, float]:
    """The median of each side."""
    return {name: median(values) for name, values in seconds.items()}


def notes_per_second(notes: int, seconds: list[float]) -> float:
    """The speed of the median repetition over so many notes."""
    return notes / median(seconds)
