"""What answering with a bundle costs: time of a document alone, and memory.

Each bundle is measured in a process of its own, so that the memory is its own and no other model
lies in the caches.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from thce.ner.comparison import Cost

_KIB = 1024


@dataclass(frozen=True)
class Measured:
    """Milliseconds of each document, in the order of the texts, and memory in bytes."""

    milliseconds: tuple[float, ...]
    memory: int


def measure_costs(
    models: Sequence[str], weights: str | None, texts: Sequence[str], rounds: int
) -> list[Cost]:
    """The cost of each bundle on the same texts, on one core.

    Args:
        models: bundles.
        weights: fp32 or int8; None takes each bundle's default.
        texts: each is answered alone.
        rounds: how often each bundle is measured; they take turns, and the median of a document's
            times counts.
    """
    found: list[list[Measured]] = [[] for _ in models]
    for number in range(rounds):
        order = range(len(models)) if number % 2 == 0 else reversed(range(len(models)))
        for at in order:
            found[at].append(_in_own_process(models[at], weights, texts))
    return [_cost(model, weights, several) for model, several in zip(models, found, strict=True)]


def _cost(model: str, weights: str | None, measured: Sequence[Measured]) -> Cost:
    from thce.bundles.load import open_bundle
    from thce.files import read_json

    bundle = open_bundle(model, kind="ner")
    times = [median(of_one) for of_one in zip(*(one.milliseconds for one in measured), strict=True)]
    size = bundle.path(bundle.weights(weights)[1].file).stat().st_size
    return Cost(
        training_seconds=read_json(bundle.path("training.json")).get("train_seconds"),
        milliseconds=median(times),
        memory_mib=median(one.memory for one in measured) / _KIB**2,
        disk_mib=size / _KIB**2,
    )


def _in_own_process(model: str, weights: str | None, texts: Sequence[str]) -> Measured:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(answer_one_by_one, model, weights, list(texts)).result()


def answer_one_by_one(model: str, weights: str | None, texts: Sequence[str]) -> Measured:
    """Answers each text alone with one session; the first one is answered once before, untimed."""
    from thce.ner.predictor import Predictor

    predictor = Predictor.open(model, weights, 1)
    predictor.predict(["warm-up"], texts[:1])
    milliseconds = []
    for text in texts:
        started = time.perf_counter()
        predictor.predict(["one"], [text])
        milliseconds.append(1000 * (time.perf_counter() - started))
    return Measured(tuple(milliseconds), largest_resident())


def largest_resident() -> int:
    """The most memory that this process has had resident, in bytes.

    From /proc and not from getrusage, which a process inherits from the one that started it.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * _KIB
    return 0
