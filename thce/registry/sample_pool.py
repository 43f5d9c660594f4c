"""The pool that the sample step chooses from: hydrated notes, score rows and what is blocked."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from thce import paths
from thce.annotations.store import AnnotationStore
from thce.bundles.load import open_bundle
from thce.bundles.storage import read_bytes
from thce.errors import InputError
from thce.files import read_jsonl
from thce.registry.candidates import Candidates, ModelView
from thce.registry.hydrated import matrix, read
from thce.registry.labels import FLAG_NAMES, N_FLAGS
from thce.registry.score_parts import RUN_MANIFEST, RunManifest
from thce.registry.signals import deterministic_signal
from thce.registry.splits import read_assignments
from thce.registry.threshold_file import Thresholds
from thce.registry.thresholds import apply

if TYPE_CHECKING:
    from thce.registry.sample import SampleConfig

COLUMNS = (
    "encounter_id",
    "text",
    "cpt_codes",
    "structured_signal",
    "cpt_signal",
    "keyword_signal",
)


@dataclass(frozen=True)
class Scored:
    """Score rows and the model that made them.

    Attributes:
        row_of: position of each encounter in `probabilities`.
        probabilities: float32 (m, 29).
        thresholds: of the weights that made them.
        model_version: the bundle's version.
    """

    row_of: Mapping[str, int]
    probabilities: NDArray[np.float32]
    thresholds: Thresholds
    model_version: str


@dataclass(frozen=True)
class Pool:
    """Candidates with what their tasks are made of.

    Attributes:
        candidates: the notes that may be asked about.
        texts: their prepared texts.
        cpt_codes: their billing codes.
        model_version: the bundle that scored them; None without a model.
        left_out: how many notes may not be asked about, by reason.
    """

    candidates: Candidates
    texts: list[str]
    cpt_codes: list[list[str]]
    model_version: str | None
    left_out: dict[str, int]


def read_pool(config: "SampleConfig", store: AnnotationStore) -> Pool:
    """The notes that may be asked about now, with all that strategies and tasks need.

    Raises:
        InputError: notes, scores, bundle or splits are absent, malformed, or do not belong
            together.
    """
    notes = read(config.notes, COLUMNS)
    scored = read_scores(config.scores, config.model) if config.scores and config.model else None
    encounter_ids = notes["encounter_id"].to_pylist()
    reasons = _reasons(config, encounter_ids, scored, store)
    notes = notes.filter(pa.array([name not in reasons for name in encounter_ids]))
    return Pool(
        candidates=_candidates(notes, scored, store),
        texts=notes["text"].to_pylist(),
        cpt_codes=notes["cpt_codes"].to_pylist(),
        model_version=scored.model_version if scored else None,
        left_out=dict(sorted(Counter(reasons.values()).items())),
    )


def read_scores(scores: str, model: str) -> Scored:
    """What the score step wrote, with the thresholds of the weights that it used.

    Args:
        scores: Parquet folder, or one file ending in .jsonl.
        model: the bundle.

    Raises:
        InputError: they are absent or unfinished, or another bundle made them.
    """
    manifest = _run_manifest(scores)
    bundle = open_bundle(model, kind="registry")
    if manifest.made_with.get("bundle") != bundle.version:
        raise InputError(
            f"scores: {scores}: made by bundle {manifest.made_with.get('bundle')}, not by "
            f"{bundle.version}; score again with {model}"
        )
    weights, entry = bundle.weights(manifest.made_with.get("weights"))
    encounter_ids, probabilities = _score_rows(scores)
    return Scored(
        row_of={name: row for row, name in enumerate(encounter_ids)},
        probabilities=probabilities,
        thresholds=Thresholds.load(bundle.path(entry.thresholds), weights),
        model_version=bundle.version,
    )


def _run_manifest(scores: str) -> RunManifest:
    target = paths.resolve(scores)
    content = read_bytes(f"{target}.run" if target.endswith(".jsonl") else target, RUN_MANIFEST)
    if content is None:
        raise InputError(f"scores: {scores}: not there; run `thce registry score` first")
    try:
        manifest = RunManifest.model_validate_json(content)
    except ValueError:
        raise InputError(f"scores: {scores}: {RUN_MANIFEST} is damaged; score again") from None
    if not manifest.complete:
        raise InputError(f"scores: {scores}: unfinished; run `thce registry score` to its end")
    return manifest


def _score_rows(scores: str) -> tuple[list[str], NDArray[np.float32]]:
    if scores.endswith(".jsonl"):
        rows = read_jsonl(paths.resolve(scores))
        try:
            probabilities = np.array([row["probabilities"] for row in rows], dtype=np.float32)
            return [row["encounter_id"] for row in rows], probabilities.reshape(-1, N_FLAGS)
        except (KeyError, ValueError):
            raise InputError(
                f"scores: {scores}: every row holds encounter_id and {N_FLAGS} probabilities; "
                "score again"
            ) from None
    table = read(scores, ("encounter_id", "probabilities"))
    return table["encounter_id"].to_pylist(), matrix(table, "probabilities").astype(np.float32)


def _reasons(
    config: "SampleConfig",
    encounter_ids: list[str],
    scored: Scored | None,
    store: AnnotationStore,
) -> dict[str, str]:
    """Why notes are left out: what the store says, another split, or no score row."""
    assignments = read_assignments(paths.resolve(config.splits)) if config.splits else {}
    reasons = {name: "unscored" for name in encounter_ids if scored and name not in scored.row_of}
    reasons |= {
        name: f"in {assignments[name]}"
        for name in encounter_ids
        if assignments.get(name, config.split) != config.split
    }
    return reasons | {name: str(block) for name, block in store.blocked(encounter_ids).items()}


def _candidates(notes: pa.Table, scored: Scored | None, store: AnnotationStore) -> Candidates:
    encounter_ids = notes["encounter_id"].to_pylist()
    answers = store.human_labels().table
    cpt = matrix(notes, "cpt_signal")
    model = None
    if scored is not None:
        rows = [scored.row_of[name] for name in encounter_ids]
        probabilities = scored.probabilities[rows]
        accept = apply(probabilities, scored.thresholds)
        model = ModelView(probabilities, scored.thresholds.values, accept)
    return Candidates(
        encounter_ids=encounter_ids,
        deterministic=deterministic_signal(
            matrix(notes, "structured_signal"),
            cpt,
            matrix(notes, "keyword_signal"),
            notes["cpt_codes"].to_pylist(),
        ),
        cpt=cpt,
        label_counts=np.array([_positives(answers[name]) for name in FLAG_NAMES]),
        model=model,
    )


def _positives(answers: pa.ChunkedArray) -> int:
    return int(pc.sum(answers).as_py() or 0)
