"""The score step: a bundle over any number of notes, on Ray Data, resumable."""

import json
import time
from collections.abc import Sequence
from typing import Any

from pydantic import Field, model_validator

from thce import __version__
from thce.bundles.channel import resolve as resolve_model
from thce.bundles.storage import exists
from thce.config import Config
from thce.notes.chunks import Chunk, find_chunks
from thce.notes.outputs import open_output
from thce.notes.read import ReadPlan, ScannedChunk, plan_read
from thce.paths import resolve
from thce.progress import say
from thce.registry.abstention_file import Abstention
from thce.registry.code_set import code_versions
from thce.registry.predict import Predictor
from thce.registry.score_parts import QUARANTINE_FILE, ScoreParts
from thce.registry.score_plan import input_fingerprint, without_first
from thce.registry.score_ray import Scoring, scored_tables
from thce.registry.scored import json_rows, score_notes

__all__ = ["ScoreConfig", "run", "score_notes"]


class ScoreConfig(Config):
    """What is scored with what, and how the work is spread.

    Attributes:
        model: bundle folder, fsspec URL, or `champion:CHANNEL`.
        input: notes: file, folder, glob or fsspec URL.
        output: a folder for Parquet parts, or one file where it ends in .jsonl.
        weights: fp32 or int8; None takes the bundle's default.
        band: how near its threshold a probability asks for review; None takes the bundle's.
        abstention: what `thce registry abstain` wrote for this bundle: adds `auto_accept`.
        min_workers: sessions kept at least; each runs on one core.
        max_workers: sessions at most; None takes the cluster's cores.
        batch_rows: notes a session takes at a time; the answer does not depend on it.
        part_rows: notes a part; what a killed run has finished is kept part by part.
        max_bad: the most bad input rows, in percent.
        resume: go on with what lies in the output; False starts over.
    """

    model: str
    input: str
    output: str
    weights: str | None = None
    band: float | None = Field(default=None, ge=0, le=1)
    abstention: str | None = None
    min_workers: int = Field(default=1, ge=1)
    max_workers: int | None = Field(default=None, ge=1)
    batch_rows: int = Field(default=16, ge=1)
    part_rows: int = Field(default=2000, ge=1)
    max_bad: float = Field(default=5.0, ge=0, le=100)
    resume: bool = True

    @model_validator(mode="after")
    def _room_for_workers(self) -> "ScoreConfig":
        if self.max_workers is not None and self.max_workers < self.min_workers:
            raise ValueError("max_workers is below min_workers")
        return self


def run(config: ScoreConfig) -> dict[str, Any]:
    """Scores every note of the input once; a killed run goes on when it is run again.

    The rows come in the order of the input's files and lines. They depend on the notes and the
    bundle alone: not on workers, batches, or how often the run was interrupted.

    Returns:
        `output`, `version`, `weights`, `rows` in the output, `scored` by this run, `needs_review`,
        `bad` and `duplicates` among the input rows, `quarantine`, and `seconds`.

    Raises:
        InputError: the bundle or the notes are not valid, or the output holds something else.
    """
    from thce.engine import start_ray

    started = time.perf_counter()
    scoring = _scoring(config)
    output = resolve(config.output)
    one_file = output.endswith(".jsonl")
    parts = _open_parts(config, scoring, output, one_file)
    start_ray()
    plan, scanned = _plan(config, f"{parts.folder}/{QUARANTINE_FILE}")
    parts.start()
    done = parts.manifest.rows
    if done < plan.counts.read:
        rest = without_first(plan, scanned, done)
        for table in scored_tables(rest, scoring, config.part_rows):
            parts.append(table)
            say("score", f"{parts.manifest.rows} of {plan.counts.read} notes")
    if not parts.manifest.complete:
        if one_file:
            _write_jsonl(output, parts)
        parts.complete()
    if one_file:
        parts.discard_parts()
    return {
        "output": output,
        "version": scoring.version,
        "weights": scoring.weights,
        "rows": parts.manifest.rows,
        "scored": parts.manifest.rows - done,
        "needs_review": parts.manifest.needs_review,
        "bad": plan.counts.bad,
        "duplicates": plan.counts.duplicates,
        "quarantine": f"{parts.folder}/{QUARANTINE_FILE}",
        "seconds": round(time.perf_counter() - started, 1),
    }


def _scoring(config: ScoreConfig) -> Scoring:
    """Opens the bundle here once, so that a bad one is refused before anything is started."""
    model = resolve_model(config.model)
    predictor = Predictor.open(model, config.weights)
    version = predictor.bundle.version
    abstention = None
    if config.abstention is not None:
        abstention = Abstention.load(config.abstention, version, predictor.weights)
    return Scoring(
        model=model,
        version=version,
        weights=predictor.weights,
        band=config.band,
        abstention=abstention,
        min_workers=config.min_workers,
        max_workers=config.max_workers,
        batch_rows=config.batch_rows,
    )


def _open_parts(config: ScoreConfig, scoring: Scoring, output: str, one_file: bool) -> ScoreParts:
    made_with = {
        "bundle": scoring.version,
        "weights": scoring.weights,
        "band": scoring.band,
        "abstention": None if scoring.abstention is None else scoring.abstention.to_dict(),
        "input": input_fingerprint(find_chunks(config.input)),
        "part_rows": config.part_rows,
        "rules": code_versions(),
        "thce": __version__,
    }
    folder = f"{output}.run" if one_file else output
    parts = ScoreParts.open(folder, made_with, resume=config.resume, keeps_parts=not one_file)
    if one_file and parts.manifest.complete and not exists(output):
        return ScoreParts.open(folder, made_with, resume=False, keeps_parts=False)
    return parts


def _plan(config: ScoreConfig, quarantine: str) -> tuple[ReadPlan, list[ScannedChunk]]:
    from thce.notes.read_ray import scan_with_ray

    scanned: list[ScannedChunk] = []

    def scan(chunks: Sequence[Chunk]) -> list[ScannedChunk]:
        scanned.extend(scan_with_ray(chunks))
        return scanned

    plan = plan_read(config.input, quarantine=quarantine, max_bad_percent=config.max_bad, scan=scan)
    return plan, scanned


def _write_jsonl(output: str, parts: ScoreParts) -> None:
    with open_output(output, "w") as handle:
        for table in parts.tables():
            for row in json_rows(table):
                handle.write(json.dumps(row, allow_nan=False) + "\n")
