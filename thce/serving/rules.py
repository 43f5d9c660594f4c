"""The rules as a deployment: form, codes and keywords, by the function that hydration uses."""

import asyncio

import pyarrow as pa

from thce.registry.hydrate_ray import prepare_and_hydrate


class Rules:
    """A replica; it holds nothing."""

    async def hydrate(self, notes: pa.Table) -> pa.Table:
        """Read rows -> hydrated rows with `text`, off the event loop."""
        return await asyncio.to_thread(prepare_and_hydrate, notes)
