"""Requests against a server: one after another, so many at once, or at a rate; each one timed."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TIMEOUT_SECONDS = 60.0


@dataclass
class Load:
    """What came back.

    Attributes:
        seconds: from the first request to the last reply.
        latencies: of accepted requests, in seconds.
        statuses: how often each came; 0 is a connection that broke.
        without_retry: refusals (429, 503) that do not say when to come again.
        wrong: bodies that are not what the same note got before.
    """

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry: int = 0
    wrong: int = 0

    @property
    def rate(self) -> float:
        """Accepted requests a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds within which this share of the accepted ones came."""
        return 1000 * float(np.quantile(self.latencies, share))

    @property
    def failed(self) -> int:
        """Neither accepted nor refused properly."""
        return sum(
            count for status, count in self.statuses.items() if status not in (200, 429, 503)
        )


Right = dict[int, Any]
"""What each note got the first time, by its position."""


async def closed_loop(
    url: str, bodies: Sequence[bytes], at_once: int, right: Right | None = None
) -> Load:
    """Sends every body once, `at_once` of them under way at any time."""
    positions = iter(range(len(bodies)))

    async def worker(send: Callable[[int], Awaitable[None]]) -> None:
        for position in positions:
            await send(position)

    async def drive(send: Callable[[int], Awaitable[None]]) -> None:
        await asyncio.gather(*(worker(send) for _ in range(at_once)))

    return await _drive(url, bodies, drive, right)


async def open_loop(url: str, bodies: Sequence[bytes], rate: float, seconds: float) -> Load:
    """Sends so many requests a second, whether or not they are answered."""

    async def drive(send: Callable[[int], Awaitable[None]]) -> None:
        started = time.perf_counter()
        sent: list[asyncio.Task[None]] = []
        while (now := time.perf_counter() - started) < seconds:
            while len(sent) < now * rate:
                sent.append(asyncio.ensure_future(send(len(sent) % len(bodies))))
            await asyncio.sleep(0.002)
        await asyncio.gather(*sent)

    return await _drive(url, bodies, drive, None)


async def until(
    url: str, bodies: Sequence[bytes], at_once: int, stop: asyncio.Event, right: Right
) -> Load:
    """Goes on sending until told to stop."""

    async def worker(send: Callable[[int], Awaitable[None]], first: int) -> None:
        position = first
        while not stop.is_set():
            await send(position % len(bodies))
            position += at_once

    async def drive(send: Callable[[int], Awaitable[None]]) -> None:
        await asyncio.gather(*(worker(send, first) for first in range(at_once)))

    return await _drive(url, bodies, drive, right)


async def _drive(
    url: str,
    bodies: Sequence[bytes],
    drive: Callable[[Callable[[int], Awaitable[None]]], Awaitable[None]],
    right: Right | None,
) -> Load:
    import aiohttp

    load = Load()
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    headers = {"Content-Type": "application/json"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, timeout=timeout, headers=headers
    ) as session:

        async def send(position: int) -> None:
            started = time.perf_counter()
            try:
                async with session.post(url, data=bodies[position]) as reply:
                    body = await reply.json(content_type=None)
                    status = reply.status
                    retry = "Retry-After" in reply.headers
            except (aiohttp.ClientError, TimeoutError, ValueError):
                load.statuses[0] += 1
                return
            load.statuses[status] += 1
            if status == 200:
                load.latencies.append(time.perf_counter() - started)
                if right is not None:
                    found = body["results"]
                    load.wrong += right.setdefault(position, found) != found
            elif status in (429, 503):
                load.without_retry += not retry

        started = time.perf_counter()
        await drive(send)
        load.seconds = time.perf_counter() - started
    return load
