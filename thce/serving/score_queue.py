"""A replica's sessions and the notes that wait for them.

Every note is scored alone on one thread (`thce.registry.onnx_session` says why), so that what can
be chosen is whose note comes next: the one that would have been finished first if every request had
the sessions to itself. A short note overtakes a list of long ones, and nobody waits for ever,
because the place of a note depends on when it came.
"""

import asyncio
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from thce.serving.problems import ProblemError

Note = TypeVar("Note")
Scored = TypeVar("Scored")

CHARACTERS_A_SECOND = 40_000.0
"""The first guess of a session's speed; what is measured replaces it."""


class ScoreQueue(Generic[Note, Scored]):
    """Threads that score notes, in order of their virtual finish."""

    def __init__(self, score: Callable[[Note], Scored], sessions: int, waiting: int) -> None:
        """Starts the threads.

        Args:
            score: scores one note; called on several threads at once.
            sessions: threads.
            waiting: notes that may wait; a request that finds so many is refused.
        """
        self._score = score
        self._sessions = sessions
        self._most_waiting = waiting
        self._heap: list[tuple[float, int, Note, int, asyncio.Future[Scored]]] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._open = True
        self._waiting = 0
        self._speed = CHARACTERS_A_SECOND
        self._begun: dict[int, float] = {}
        self._threads = [
            threading.Thread(target=self._work, name=f"session-{number}", daemon=True)
            for number in range(sessions)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Notes that no session has taken yet."""
        return self._waiting

    def require_room(self) -> None:
        """Refuses what would wait too long.

        Raises:
            ProblemError: 503, as many notes wait as may.
        """
        if self._waiting >= self._most_waiting:
            seconds = sum(entry[3] for entry in list(self._heap)) / self._speed / self._sessions
            raise ProblemError(
                503, "the model is busy; send again later", retry_after=max(1, round(seconds))
            )

    def put(self, notes: Sequence[Note], sizes: Sequence[int]) -> list[asyncio.Future[Scored]]:
        """Queues the notes of one request.

        Args:
            notes: in the order of the request.
            sizes: characters of each.

        Returns:
            A future a note; cancelling one takes its note out, unless a session has it.

        Raises:
            ProblemError: 503, see `require_room`.
        """
        loop = asyncio.get_running_loop()
        with self._changed:
            self.require_room()
            finish = time.monotonic()
            futures = []
            for note, size in zip(notes, sizes, strict=True):
                finish += size / self._speed
                future: asyncio.Future[Scored] = loop.create_future()
                future.add_done_callback(self._left)
                heapq.heappush(self._heap, (finish, next(self._numbers), note, size, future))
                futures.append(future)
            self._waiting += len(futures)
            self._changed.notify(len(futures))
        return futures

    def longest(self) -> float:
        """Seconds that the slowest session has been on its note."""
        begun = list(self._begun.values())
        return time.monotonic() - min(begun) if begun else 0.0

    def close(self) -> None:
        """Ends the threads once the queue is empty."""
        with self._changed:
            self._open = False
            self._changed.notify_all()

    def _left(self, future: "asyncio.Future[Scored]") -> None:
        """A caller gave up: its note waits no longer."""
        if future.cancelled():
            with self._changed:
                kept = [entry for entry in self._heap if not entry[4].cancelled()]
                self._waiting -= len(self._heap) - len(kept)
                self._heap = kept
                heapq.heapify(kept)

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._open and not self._heap:
                    self._changed.wait()
                if not self._heap:
                    return
                _, _, note, size, future = heapq.heappop(self._heap)
                self._waiting -= 1
            started = self._begun[threading.get_ident()] = time.monotonic()
            try:
                scored = self._score(note)
            except Exception as error:
                _tell(future, _fail, error)
            else:
                _tell(future, _settle, scored)
                seconds = max(time.monotonic() - started, 1e-6)
                self._speed += 0.1 * (max(size, 1) / seconds - self._speed)
            finally:
                del self._begun[threading.get_ident()]


def _tell(future: "asyncio.Future[Any]", how: Callable[..., None], what: Any) -> None:
    """Hands a result to the event loop that waits for it."""
    loop = future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(how, future, what)


def _settle(future: "asyncio.Future[Any]", value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
