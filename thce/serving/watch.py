"""What a replica has served lately, against what its bundle was trained on."""

import threading
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from thce.registry.labels import FLAG_NAMES
from thce.serving.fingerprint import Fingerprint, NoteMarks, certainty_of, word_counts
from thce.serving.meters import gauge

WINDOW = 500
"""Notes of a comparison where there is no fingerprint to say so."""


@dataclass(frozen=True)
class _Seen:
    tokens: int
    words: NDArray[np.int64]
    accept: NDArray[np.bool_]
    certainty: float
    review: bool


class Watch:
    """A sliding window over the notes that one bundle answered on one replica."""

    def __init__(self, version: str, fingerprint: Fingerprint | None) -> None:
        """Begins empty.

        Args:
            version: the bundle's.
            fingerprint: of its training; one of another bundle is not compared with.
        """
        self._version = version
        own = fingerprint is not None and fingerprint.version == version
        self._fingerprint = fingerprint if own else None
        self._window = self._fingerprint.window if self._fingerprint else WINDOW
        self._seen: deque[_Seen] = deque(maxlen=self._window)
        self._lock = threading.Lock()
        self._notes = 0

    def add(
        self,
        ids: NDArray[np.int64],
        probabilities: NDArray[np.float32],
        accept: NDArray[np.bool_],
        review: bool,
    ) -> None:
        """Notes one answer: its token ids, probabilities, flags, and whether to look at it."""
        certainty = float(certainty_of(probabilities))
        seen = _Seen(len(ids), word_counts(ids), accept, certainty, review)
        with self._lock:
            self._seen.append(seen)
            self._notes += 1

    def report(self) -> dict[str, Any]:
        """What is known now; drift only once the window is full."""
        with self._lock:
            seen, notes = list(self._seen), self._notes
        if not seen:
            return {"version": self._version, "notes": 0, "alerts": []}
        marks = NoteMarks(
            np.array([one.tokens for one in seen]),
            np.array([one.words for one in seen]),
            np.array([one.accept for one in seen]),
            np.array([one.certainty for one in seen]),
        )
        found: dict[str, Any] = {
            "version": self._version,
            "notes": notes,
            "window": len(seen),
            "flag_rates": dict(zip(FLAG_NAMES, marks.accept.mean(axis=0).tolist(), strict=True)),
            "certainty": float(marks.certainty.mean()),
            "review_rate": float(np.mean([one.review for one in seen])),
            "tokens": float(marks.tokens.mean()),
            "alerts": [],
        }
        if self._fingerprint is not None and len(seen) == self._window:
            drift = self._fingerprint.drift(marks)
            found["drift"] = asdict(drift)
            found["alerts"] = self._fingerprint.alerts(drift)
        return found

    def publish(self) -> None:
        """Sets the gauges."""
        found = self.report()
        labels = {"version": self._version}
        for name, rate in found.get("flag_rates", {}).items():
            text = "Share of the window's notes with the flag."
            gauge("thce_flag_rate", text, labels | {"flag": name}, rate)
        for name in ("certainty", "review_rate", "tokens"):
            if name in found:
                gauge(f"thce_{name}", "Mean over the window's notes.", labels, found[name])
        for name, value in found.get("drift", {}).items():
            text = "Distance of the window from the training notes."
            gauge("thce_drift", text, labels | {"of": name}, value)
            text = "1 where the distance is beyond 99 % of windows drawn from the training notes."
            gauge("thce_drift_alert", text, labels | {"of": name}, float(name in found["alerts"]))
