"""The annotation store behind an asynchronous server: threads of its own, a connection in each."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from thce.annotations.store import AnnotationStore

THREADS = 4
"""Readers that never wait for each other; writers take turns in SQLite."""

Result = TypeVar("Result")


class ServedStore:
    """Runs work on one store off the event loop.

    Every thread opens the store once, when it first has work, and keeps it: opening checks the
    whole file. Nothing is opened before the first call, so that the object may travel to the
    process that serves.
    """

    def __init__(self, path: str | Path) -> None:
        """Names the store's file; `run` opens it."""
        self.path = Path(path)
        self._threads: ThreadPoolExecutor | None = None
        self._opened = threading.local()

    async def run(self, work: Callable[[AnnotationStore], Result]) -> Result:
        """Runs `work` with the store; what it wrote is on disk when this returns.

        Raises:
            InputError: the store is absent, damaged, locked or on a full disk.
        """
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="annotations")
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._on, work)

    def _on(self, work: Callable[[AnnotationStore], Result]) -> Result:
        store: AnnotationStore | None = getattr(self._opened, "store", None)
        if store is None:
            store = self._opened.store = AnnotationStore.open(self.path)
        return work(store)
