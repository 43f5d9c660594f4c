"""`thce bench score`: scoring on Ray Data against bare sessions and `transformers.pipeline`."""

import itertools
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
from numpy.typing import NDArray
from pydantic import Field

from thce.bench.bare_sessions import BareModel, run_bare_sessions
from thce.bench.machine import usable_cores
from thce.bench.result import BenchResult, Comparison, at_least
from thce.bench.score_work import Work, make_work, source_rows
from thce.bench.transformers_pipeline import Setting, TextClassificationPipeline
from thce.bench.untrained_bundle import build_untrained_bundle
from thce.config import Config
from thce.registry.onnx_session import sigmoid
from thce.registry.predict import Predictor

Weights = Literal["int8", "fp32"]

PIPELINE_LEAST: dict[Weights, float] = {"int8": 2.5, "fp32": 1.5}
BARE_LEAST = 0.9
SAME = 1e-4
"""fp32 in onnxruntime and in torch may differ by so much in probability, as the export allows."""


class ScoreBenchConfig(Config):
    """What is scored, and for how long.

    Attributes:
        model: bundle folder, fsspec URL or `champion:CHANNEL`; None builds one with an untrained
            head on `base`, which is as fast as a trained one.
        base: base weights of that bundle.
        input: notes to repeat until there are enough; None makes synthetic ones.
        weights: which weights are measured.
        seconds: how long one run of ours should take.
        repetitions: runs of each side.
    """

    model: str | None = None
    base: str = "minilm"
    input: str | None = None
    weights: tuple[Weights, ...] = Field(("int8", "fp32"), min_length=1)
    seconds: float = Field(20.0, gt=0)
    repetitions: int = Field(1, ge=1)


@dataclass
class Measured:
    """Notes per second of each run of each side, and the largest differences between answers."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    pipeline: list[float] = field(default_factory=list)
    ray_start: list[float] = field(default_factory=list)
    from_bare: float = 0.0
    from_pipeline: float = 0.0


def run(config: ScoreBenchConfig) -> BenchResult:
    """Measures each set of weights in turn."""
    cores = usable_cores()
    source = list(source_rows(config.input))
    with TemporaryDirectory(prefix="thce-bench-") as name:
        folder = Path(name)
        model = config.model or str(build_untrained_bundle(config.base, folder / "bundle"))
        comparisons: list[Comparison] = []
        checks: dict[str, bool] = {}
        details: dict[str, Any] = {}
        notes: list[int] = []
        for weights in config.weights:
            predictor = Predictor.open(model, weights)
            slower = PIPELINE_LEAST[weights]
            work = make_work(predictor, source, config.seconds, cores, slower, folder)
            pipeline = _pipeline(predictor, cores)
            setting, rates = pipeline.best_setting(work.sample[:32])
            measured = Measured()
            independent = _is_independent(predictor, work, cores, folder)
            for _ in range(config.repetitions):
                _measure(predictor, work, pipeline, setting, cores, folder, measured)
            comparisons += _compare(config, weights, cores, setting, measured)
            checks |= _checks(weights, independent, measured, predictor)
            details[weights] = _details(work, rates, measured)
            notes.append(len(work.texts))
    return BenchResult(
        name="score",
        comparisons=tuple(comparisons),
        repetitions=config.repetitions,
        notes=notes[0],
        cores=cores,
        checks=checks,
        details=details,
    )


def _pipeline(predictor: Predictor, cores: int) -> TextClassificationPipeline:
    return TextClassificationPipeline(predictor.bundle.folder, predictor.encoder.max_tokens, cores)


def _measure(
    predictor: Predictor,
    work: Work,
    pipeline: TextClassificationPipeline,
    setting: Setting,
    cores: int,
    folder: Path,
    measured: Measured,
) -> None:
    """The pipeline and half of the bare run before ours, and the same again after it."""
    model = _bare_model(predictor)
    half, sample = len(work.texts) // 2, work.sample
    spent = pipeline.seconds(sample, setting)
    first = run_bare_sessions(model, work.texts[:half], cores, folder)
    with _own_ray(cores) as started:
        seconds, scored = _score(predictor, work.notes, folder, min_workers=cores)
    second = run_bare_sessions(model, work.texts[half:], cores, folder)
    again = time.perf_counter()
    answers = pipeline.probabilities(sample, setting)
    spent += time.perf_counter() - again
    ours = _probabilities(scored)
    bare = sigmoid(np.concatenate([first.logits, second.logits]))
    sampled = ours[:: work.every]
    measured.ours.append(len(work.texts) / seconds)
    measured.bare.append(len(work.texts) / (first.seconds + second.seconds))
    measured.pipeline.append(2 * len(sample) / spent)
    measured.ray_start.append(started)
    measured.from_bare = max(measured.from_bare, float(np.abs(ours - bare).max()))
    measured.from_pipeline = max(measured.from_pipeline, float(np.abs(sampled - answers).max()))


def _is_independent(predictor: Predictor, work: Work, cores: int, folder: Path) -> bool:
    """Whether one worker with odd batches and several with usual ones give the same rows."""
    few = folder / "few.jsonl"
    with work.notes.open(encoding="utf-8") as handle:
        few.write_text("".join(itertools.islice(handle, 40)), encoding="utf-8")
    with _own_ray(cores):
        _, one = _score(predictor, few, folder, max_workers=1, batch_rows=7)
        _, several = _score(predictor, few, folder, min_workers=cores, max_workers=cores)
    return bool(one.equals(several))


@contextmanager
def _own_ray(cores: int) -> Iterator[float]:
    """A local Ray while ours runs, so that none of it runs beside a rival; yields its seconds."""
    import ray

    from thce.engine import start_ray

    started = time.perf_counter()
    start_ray(cpus=cores, worker_logs=False)
    try:
        yield time.perf_counter() - started
    finally:
        ray.shutdown()


def _score(
    predictor: Predictor, notes: Path, folder: Path, **spread: int
) -> tuple[float, pa.Table]:
    """Seconds of the score step, from the call to the written output, and its rows."""
    from thce.registry.score import ScoreConfig
    from thce.registry.score import run as score

    output = folder / "scores"
    shutil.rmtree(output, ignore_errors=True)
    started = time.perf_counter()
    score(
        ScoreConfig.model_validate(
            {
                "model": str(predictor.bundle.folder),
                "input": str(notes),
                "output": str(output),
                "weights": predictor.weights,
                **spread,
            }
        )
    )
    seconds = time.perf_counter() - started
    return seconds, parquet.read_table(output)


def _bare_model(predictor: Predictor) -> BareModel:
    bundle = predictor.bundle
    return BareModel(
        graph=bundle.path(bundle.weights(predictor.weights)[1].file),
        tokenizer=bundle.folder / "tokenizer" / "tokenizer.json",
        head_tokens=predictor.encoder.head_tokens,
        tail_tokens=predictor.encoder.tail_tokens,
    )


def _probabilities(scored: pa.Table) -> NDArray[np.float32]:
    return np.array(scored["probabilities"].to_pylist(), dtype=np.float32)


def _compare(
    config: ScoreBenchConfig, weights: Weights, cores: int, setting: Setting, measured: Measured
) -> list[Comparison]:
    ours = median(measured.ours)
    head = "" if config.model else f"; {config.base} with an untrained head"
    what = (
        f"{weights}, {cores} cores; ours: the score step on Ray Data from the call to the written "
        "output, Ray itself started before: reading, de-identification, hydration, tokenizing, "
        f"one note at a time in {cores} one-thread sessions, fusion with the rules{head}; rival: "
    )
    return [
        at_least(
            f"{weights} against transformers.pipeline",
            f"{what}`transformers.pipeline` (text-classification), the same weights in torch fp32 "
            f"on {cores} threads over an even sample of the same notes, prepared already, cut at "
            f"the same number of tokens, in its fastest setting (batch {setting.batch_size}"
            f"{', sorted by length' if setting.by_length else ''})",
            "notes per second",
            ours,
            median(measured.pipeline),
            PIPELINE_LEAST[weights],
        ),
        at_least(
            f"{weights} against bare sessions",
            f"{what}{cores} plain processes, each one one-thread onnxruntime session that "
            "tokenizes and runs the same notes, prepared already, one at a time, from a shared "
            "counter; their start and loading are not timed",
            "notes per second",
            ours,
            median(measured.bare),
            BARE_LEAST,
        ),
    ]


def _checks(
    weights: Weights, independent: bool, measured: Measured, predictor: Predictor
) -> dict[str, bool]:
    checks = {
        f"{weights}: rows do not depend on workers and batches": independent,
        f"{weights}: probabilities are the bare sessions' to the bit": measured.from_bare == 0.0,
    }
    if weights == "fp32" and predictor.encoder.tail_tokens == 0:
        checks[f"fp32: probabilities are the pipeline's within {SAME:g}"] = (
            measured.from_pipeline <= SAME
        )
    return checks


def _details(work: Work, rates: dict[str, float], measured: Measured) -> dict[str, Any]:
    return {
        "notes": len(work.texts),
        "mean_words": float(np.mean([len(text.split()) for text in work.texts])),
        "notes_of_the_pipeline": 2 * len(work.sample),
        "pipeline_settings_tried_notes_per_second": rates,
        "ours_notes_per_second": measured.ours,
        "bare_notes_per_second": measured.bare,
        "pipeline_notes_per_second": measured.pipeline,
        "ray_start_seconds": measured.ray_start,
        "largest_difference_from_the_pipeline": measured.from_pipeline,
    }
