"""ShadowModel: a bundle that scores beside the one that answers, before it is promoted."""

import asyncio
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import FLAG_NAMES
from thce.registry.onnx_session import Device
from thce.registry.thresholds import apply
from thce.serving.bundles_served import ServedBundle
from thce.serving.meters import count

WAITING = 8
"""Notes that may wait; what comes beyond is not compared. Nobody waits for a shadow."""


class ShadowModel:
    """A replica; it answers nobody."""

    def __init__(self, model: str, weights: str | None, device: Device) -> None:
        """Opens the bundle.

        Raises:
            InputError: it is not valid.
        """
        self._bundle = ServedBundle.open(model, weights, device)
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._notes = 0
        self._differing = np.zeros(len(FLAG_NAMES), np.int64)

    async def compare(self, text: str, answered: NDArray[np.bool_]) -> None:
        """Counts the flags on which this bundle's model differs from the one that answered."""
        if self._waiting >= WAITING:
            return
        self._waiting += 1
        try:
            async with self._turn:
                own = await asyncio.to_thread(self._accepted, text)
        finally:
            self._waiting -= 1
        differs = own != answered
        self._notes += 1
        self._differing += differs
        labels = {"version": self._bundle.version}
        count("thce_shadow_notes", "Notes that the shadow scored as well.", labels)
        for position in np.flatnonzero(differs):
            meaning = "Notes on which the shadow's flag differs."
            count("thce_shadow_differs", meaning, labels | {"flag": FLAG_NAMES[position]})

    def describe(self) -> dict[str, Any]:
        """How many notes it saw, and on how many each flag differed."""
        differing = zip(FLAG_NAMES, self._differing.tolist(), strict=True)
        return {
            "version": self._bundle.version,
            "notes": self._notes,
            "differs": {name: notes for name, notes in differing if notes},
        }

    def _accepted(self, text: str) -> NDArray[np.bool_]:
        predictor = self._bundle.predictor
        return apply(predictor.predict([text]), predictor.thresholds)[0]
