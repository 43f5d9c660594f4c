"""A candidate against the champion on the frozen test notes: the evidence a gate decides on."""

import hashlib

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce.bundles.gate import Difference, Evidence
from thce.bundles.verify import Bundle
from thce.errors import InputError
from thce.evaluation.systems import evaluate_systems
from thce.notes.read import read_notes
from thce.registry.fuse import Signals
from thce.registry.gold import gold_cells
from thce.registry.hydrate_ray import prepare_and_hydrate
from thce.registry.labels import FLAG_NAMES, Cells
from thce.registry.predict import Predictor


def contest(candidate: Bundle, champion: Bundle, test: str) -> Evidence:
    """Measures both bundles in one run, each with its own thresholds and fusion.

    Args:
        candidate: a checked registry bundle.
        champion: another one.
        test: labelled notes: file, folder, glob or fsspec URL; the frozen test set.

    Returns:
        Micro and macro F1 of both, and their difference with its paired bootstrap interval.

    Raises:
        InputError: the notes are not valid or not labelled, or a metric is not defined on them.
    """
    notes = read_notes(test, quarantine=None)
    label = gold_cells(notes)
    hydrated = prepare_and_hydrate(notes)
    decisions = {
        "candidate": _decisions(candidate, hydrated),
        "champion": _decisions(champion, hydrated),
    }
    found = evaluate_systems(label, decisions, FLAG_NAMES)
    first, second = found.systems
    metrics = {}
    for comparison in found.comparisons:
        metric, difference = comparison.metric, comparison.difference
        values = (difference.estimate, difference.low, difference.high)
        if np.isnan(values).any():
            raise InputError(f"{test}: {metric} is not defined on these notes; label more of them")
        metrics[metric] = Difference(
            candidate=getattr(first, metric).estimate,
            champion=getattr(second, metric).estimate,
            difference=difference.estimate,
            low=difference.low,
            high=difference.high,
        )
    return Evidence(
        candidate=candidate.version,
        champion=champion.version,
        test_fingerprint=_fingerprint(notes, label),
        metrics=metrics,
    )


def _decisions(bundle: Bundle, hydrated: pa.Table) -> NDArray[np.bool_]:
    predictor = Predictor(bundle)
    probabilities = predictor.predict(hydrated["text"].to_pylist())
    signals = Signals.from_table(hydrated)
    return predictor.fusion.fuse(probabilities, predictor.thresholds, signals).accept


def _fingerprint(notes: pa.Table, label: Cells) -> str:
    """A hash of the notes and their labels, whatever order they come in."""
    rows = zip(
        notes["encounter_id"].to_pylist(), notes["note_text"].to_pylist(), label, strict=True
    )
    marks = sorted(
        hashlib.sha256(f"{name}\n{text}\n".encode() + cells.tobytes()).digest()
        for name, text, cells in rows
    )
    return hashlib.sha256(b"".join(marks)).hexdigest()
