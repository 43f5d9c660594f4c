"""The fingerprint step: training notes in, the numbers that drift is measured against out."""

from typing import Any

import numpy as np
from pydantic import Field

from thce.config import Config
from thce.notes.read import read_notes
from thce.paths import resolve
from thce.registry.hydrate_ray import prepare_and_hydrate
from thce.registry.labels import FLAG_NAMES
from thce.registry.predict import Predictor
from thce.registry.scored import join
from thce.serving.fingerprint import Fingerprint, NoteMarks, certainty_of, word_counts
from thce.serving.watch import WINDOW


class FingerprintConfig(Config):
    """What is measured.

    Attributes:
        model: the bundle's folder or URL, or `champion:CHANNEL`.
        input: the notes that it was trained on.
        output: the JSON file to write.
        window: notes of a comparison.
        weights: fp32 or int8; None takes the bundle's default.
    """

    model: str
    input: str
    output: str
    window: int = Field(default=WINDOW, ge=50)
    weights: str | None = None


def run(config: FingerprintConfig) -> dict[str, Any]:
    """Scores the notes and writes the fingerprint.

    Returns:
        `output`, the bundle's `version`, `notes`, and the `limits` of drift.

    Raises:
        InputError: the bundle or the notes are not valid, or too few.
    """
    predictor = Predictor.open(config.model, config.weights)
    marks = measure(predictor, config.input)
    found = Fingerprint.of(marks, predictor.bundle.version, predictor.weights, config.window)
    found.save(resolve(config.output))
    return {
        "output": resolve(config.output),
        "version": found.version,
        "notes": found.notes,
        "limits": found.limits,
    }


def measure(predictor: Predictor, notes: str) -> NoteMarks:
    """What a replica's window would keep of these notes."""
    hydrated = prepare_and_hydrate(read_notes(notes, quarantine=None))
    ids = predictor.encoder.encode(hydrated["text"].to_pylist())
    probabilities = predictor.session.probabilities(ids)
    accepted = join(predictor, hydrated, probabilities)["accept"].to_pylist()
    return NoteMarks(
        tokens=np.array([len(one) for one in ids]),
        words=np.array([word_counts(one) for one in ids]),
        accept=np.array([np.isin(FLAG_NAMES, names) for names in accepted]),
        certainty=certainty_of(probabilities),
    )
