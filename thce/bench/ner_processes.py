"""One process for each way to answer: loaded once, timed when asked, with memory of its own."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

from thce.bench.ner_sides import Answerer, Side, open_side
from thce.ner.answer_cost import largest_resident
from thce.ner.documents import Prediction

_LOADED: dict[str, Answerer] = {}


class SideProcess:
    """A side that lives in another process, idle until it is timed."""

    def __init__(self, side: Side, bundle: str, threads: int) -> None:
        """Starts the process and loads the bundle.

        Raises:
            InputError: the bundle cannot be used.
        """
        self.side = side
        self._pool = ProcessPoolExecutor(1, get_context("spawn"))
        self._call(_load, side, bundle, threads)

    def seconds(self, texts: Sequence[str], batch: int) -> float:
        """Seconds of answering the texts, so many at once."""
        return float(self._call(_timed, list(texts), batch))

    def mentions(self, texts: Sequence[str], batch: int) -> list[list[Prediction]]:
        """The answers."""
        return list(self._call(_answer, list(texts), batch))

    def memory(self) -> int:
        """The most memory it has had resident, in bytes; on a GPU, the most allocated there."""
        return int(self._call(_memory, self.side.device))

    def close(self) -> None:
        """Ends the process."""
        self._pool.shutdown()

    def _call(self, function: Callable[..., Any], *given: Any) -> Any:
        return self._pool.submit(function, *given).result()


def _load(side: Side, bundle: str, threads: int) -> None:
    _LOADED["side"] = open_side(side, bundle, threads)


def _answer(texts: Sequence[str], batch: int) -> Any:
    return _LOADED["side"].answer(texts, batch)


def _timed(texts: Sequence[str], batch: int) -> float:
    started = time.perf_counter()
    _LOADED["side"].answer(texts, batch)
    return time.perf_counter() - started


def _memory(device: str) -> int:
    if device == "cpu":
        return largest_resident()
    import torch

    return int(torch.cuda.max_memory_allocated())
