"""The evaluate step: a bundle against labelled notes, beside the rules and the model alone."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from thce.config import Config
from thce.evaluation.calibration import LabelCalibration, measure_labels
from thce.evaluation.intervals import Groups
from thce.evaluation.results import BundleVersion, Evaluation, Provenance
from thce.evaluation.systems import evaluate_systems
from thce.paths import resolve
from thce.registry.fuse import Fusion, Signals
from thce.registry.gold import gold_cells
from thce.registry.labels import FLAG_NAMES, FLAGS, UNKNOWN, Cells
from thce.registry.naive_regex import naive_flags
from thce.registry.predict import Predictor
from thce.registry.threshold_file import Thresholds
from thce.registry.thresholds import apply


class EvaluateConfig(Config):
    """What is evaluated, and on what.

    Attributes:
        model: bundle folder, URL or `champion:CHANNEL`.
        input: labelled notes: `accept`, optionally `uncertain`.
        weights: fp32 or int8; None takes the bundle's default.
        naive_regex: also score a regular expression per flag without context, as a rival.
        report: HTML file to write, or None.
        gold: who labelled the notes, in words, for the report.
        fictional: whether the notes are made up, for the report.
        reviewed_by_clinician: whether a clinician reviewed the labels, for the report.
        quarantine: where bad rows are listed, or None.
        max_bad: the most bad rows, in percent.
        seed: of the bootstrap.
    """

    model: str
    input: str
    weights: str | None = None
    naive_regex: bool = False
    report: str | None = None
    gold: str = "the labels of the input"
    fictional: bool = False
    reviewed_by_clinician: bool = False
    quarantine: str | None = None
    max_bad: float = 5.0
    seed: int = 42


def run(config: EvaluateConfig) -> dict[str, Any]:
    """Scores the labelled notes and compares the bundle's decision with its parts.

    Returns:
        Micro and macro F1 with intervals of the bundle (model and rules joined by its policy),
        the same of every part, paired comparisons, per flag precision, recall and F1, and
        `calibration` of the model's probabilities, pooled and per flag.

    Raises:
        InputError: the bundle or the notes are not valid, or no note is labelled.
    """
    from thce.notes.near_duplicates import groups
    from thce.notes.prepare import prepare_table
    from thce.notes.read import read_notes
    from thce.registry.hydrate import hydrate_table

    predictor = Predictor.open(config.model, config.weights)
    notes = read_notes(config.input, quarantine=config.quarantine, max_bad_percent=config.max_bad)
    label = gold_cells(notes)
    prepared, _ = prepare_table(notes)
    hydrated = hydrate_table(prepared)
    probabilities = predictor.predict(hydrated["text"].to_pylist())
    rivals = {"naive": naive_flags(hydrated["text"].to_pylist())} if config.naive_regex else {}
    alike = groups(hydrated["text"].to_pylist())
    found = evaluate_bundle(predictor, hydrated, probabilities, label, alike, config.seed, rivals)
    calibration = measure_labels(probabilities, label, FLAG_NAMES, groups=alike, seed=config.seed)
    bundle = predictor.bundle.manifest
    report = resolve(config.report) if config.report is not None else None
    if report is not None:
        version = BundleVersion(bundle.version, bundle.data_fingerprint)
        _write_report(config, report, found, calibration, version)
    return {
        "model": bundle.version,
        "weights": predictor.weights,
        "notes": len(notes),
        "cells": int((label != UNKNOWN).sum()),
        **found.to_dict(),
        "calibration": calibration.to_dict(),
        "report": report,
    }


def evaluate_bundle(
    predictor: Predictor,
    hydrated: pa.Table,
    probabilities: NDArray[np.float32],
    label: Cells,
    groups: Groups,
    seed: int = 42,
    rivals: Mapping[str, NDArray[np.bool_]] = MappingProxyType({}),
) -> Evaluation:
    """The bundle's joint decision against rules, model, union and whatever else is given.

    Args:
        predictor: the opened bundle.
        hydrated: n notes as the hydrate step labels them.
        probabilities: (n, 29) of these notes.
        label: (n, 29) gold cells; unknown ones are not scored.
        groups: n names of near-duplicate groups; they are resampled together, so that copies do
            not narrow the intervals.
        seed: of the bootstrap.
        rivals: (n, 29) decisions of further systems by name, as of the round before.
    """
    systems = system_decisions(predictor.thresholds, predictor.fusion, hydrated, probabilities)
    systems |= rivals
    return evaluate_systems(label, systems, FLAG_NAMES, groups=groups, seed=seed)


def system_decisions(
    thresholds: Thresholds,
    fusion: Fusion,
    hydrated: pa.Table,
    probabilities: NDArray[np.float32],
) -> dict[str, NDArray[np.bool_]]:
    """What each system accepts, (n, 29) each; the first is the bundle's own joint decision."""
    signals = Signals.from_table(hydrated)
    decisions = {"joint": fusion.fuse(probabilities, thresholds, signals).accept}
    decisions["model"] = apply(probabilities, thresholds)
    rules = Fusion(policy="rule").fuse(probabilities, thresholds, signals).accept
    decisions["rules"] = rules
    decisions["union"] = decisions["model"] | rules
    return decisions


def _write_report(
    config: EvaluateConfig,
    path: str,
    found: Evaluation,
    calibration: LabelCalibration,
    bundle: BundleVersion,
) -> None:
    from thce.evaluation.report import registry_evaluation_report
    from thce.files import write_text

    provenance = Provenance(
        gold=config.gold,
        corpus=Path(config.input).name,
        fictional=config.fictional,
        reviewed_by_clinician=config.reviewed_by_clinician,
        seeds={"bootstrap": config.seed},
    )
    page = registry_evaluation_report(
        found,
        provenance,
        bundle,
        titles={flag.value: flag.detail.title for flag in FLAGS},
        calibration=calibration,
    )
    write_text(path, page)
