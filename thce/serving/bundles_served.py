"""The bundle that answers, and the change to another while requests go on."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from thce.bundles.channel import CHAMPION_PREFIX
from thce.bundles.channel import resolve as resolve_model
from thce.errors import InputError
from thce.registry.onnx_session import Device
from thce.registry.predict import Predictor
from thce.serving.meters import gauge

_logger = logging.getLogger("thce.serving")


@dataclass(frozen=True)
class ServedBundle:
    """An opened bundle.

    Attributes:
        path: where it lies.
        predictor: what answers.
    """

    path: str
    predictor: Predictor

    @property
    def version(self) -> str:
        """The bundle's version, which is in every reply."""
        return self.predictor.bundle.version

    @classmethod
    def open(cls, model: str, weights: str | None, device: Device = "cpu") -> "ServedBundle":
        """Opens a bundle and runs one note through it, so that no caller pays for a cold start.

        Raises:
            InputError: it is not valid, or has no such weights.
        """
        path = resolve_model(model)
        predictor = Predictor.open(path, weights, device)
        predictor.predict(["warm up"])
        return cls(path, predictor)


class Follower:
    """Looks at `champion:CHANNEL` and opens what was promoted, or rolled back to.

    A bundle that does not open is reported and not served; the one before goes on.
    """

    def __init__(
        self,
        model: str,
        weights: str | None,
        device: Device,
        seconds: float,
        served: ServedBundle,
        swap: Callable[[ServedBundle], None],
    ) -> None:
        """Begins to follow, if the model is a channel.

        Args:
            model: as configured.
            weights: as configured.
            device: as configured.
            seconds: between two looks.
            served: what is served now.
            swap: is called, on this object's thread, with an opened bundle.
        """
        self._model = model
        self._weights = weights
        self._device = device
        self._seconds = seconds
        self._path = served.path
        self._swap = swap
        self._stop = threading.Event()
        if model.startswith(CHAMPION_PREFIX):
            threading.Thread(target=self._follow, name="follow", daemon=True).start()

    def stop(self) -> None:
        """Follows no longer."""
        self._stop.set()

    def _follow(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                path = resolve_model(self._model)
                if path != self._path:
                    self._swap(ServedBundle.open(path, self._weights, self._device))
                    self._path = path
                failed = 0.0
            except (InputError, OSError) as error:
                _logger.error("%s: not served, the bundle before goes on: %s", self._model, error)
                failed = 1.0
            gauge("thce_swap_failed", "1 while a promoted bundle cannot be opened.", {}, failed)
