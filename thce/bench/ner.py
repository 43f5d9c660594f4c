"""`thce bench ner`: the entity model by batch and precision, against `transformers.pipeline`."""

import itertools
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import Field

from thce.bench.load_notes import USUAL_WORDS, load_rows
from thce.bench.machine import usable_cores
from thce.bench.ner_processes import SideProcess
from thce.bench.ner_sides import Side
from thce.bench.result import BenchResult, Comparison, at_least
from thce.bench.untrained_tagger import build_untrained_tagger
from thce.config import Config
from thce.errors import InputError

MANY = 10_000
INT8, FP32 = Side("onnxruntime", "int8"), Side("onnxruntime", "fp32")
PIPELINE = Side("pipeline", "fp32")
ON_CPU = (INT8, FP32, Side("torch", "fp32"), Side("torch", "bf16"), PIPELINE)
ON_GPU = (
    Side("torch", "fp32", "cuda"),
    Side("torch", "bf16", "cuda"),
    Side("torch", "fp16", "cuda"),
    Side("pipeline", "fp32", "cuda"),
)


class NerBenchConfig(Config):
    """What is answered, and how often.

    Attributes:
        model: bundle folder; None builds one with an untrained layer on `base`, which is as fast
            as a trained one.
        base: base weights of that bundle.
        input: brat folder or folder of .txt files, repeated until there are enough; None makes
            synthetic notes.
        documents: of each timed run.
        batches: documents given at once.
        repetitions: timed runs of the headline's sides.
        gpu: also on a GPU, where there is one.
    """

    model: str | None = None
    base: str = "minilm"
    input: str | None = None
    documents: int = Field(64, ge=2)
    batches: tuple[int, ...] = Field((1, 8, 16, 32), min_length=1)
    repetitions: int = Field(3, ge=1)
    gpu: bool = True


def run(config: NerBenchConfig) -> BenchResult:
    """Times every side at every batch size once, and the headline's at their best in turn."""
    cores = usable_cores()
    texts = _texts(config)
    with TemporaryDirectory(prefix="thce-bench-") as folder, ExitStack() as stack:
        bundle = config.model or str(build_untrained_tagger(config.base, Path(folder) / "bundle"))
        processes = {}
        for side in (*ON_CPU, *(ON_GPU if config.gpu and _has_gpu() else ())):
            processes[side] = SideProcess(side, bundle, cores)
            stack.callback(processes[side].close)
        for process in processes.values():
            process.seconds(texts[:2], 2)
        grid = {
            side: {batch: process.seconds(texts, batch) for batch in config.batches}
            for side, process in processes.items()
        }
        headline = _headline(config, processes, grid, texts)
        checks = {
            "fp32 finds the mentions that torch finds": _same(
                processes[FP32], processes[Side("torch", "fp32")], texts[:16]
            )
            == 1.0,
            "answers do not depend on how many documents come at once": processes[INT8].mentions(
                texts[:9], 1
            )
            == processes[INT8].mentions(texts[:9], 9),
        }
        details = {
            "model": config.model or f"{config.base} with an untrained layer for 41 types",
            "mean_words": sum(len(text.split()) for text in texts) / len(texts),
            "sides": {
                side.name: _row(of_batch, len(texts), processes[side].memory())
                for side, of_batch in grid.items()
            },
            "share_of_mentions_that_pipeline_finds_alike": _same(
                processes[FP32], processes[PIPELINE], texts[:16]
            ),
        }
    return BenchResult(
        name="ner",
        comparisons=_compare(headline, grid, len(texts), cores),
        repetitions=config.repetitions,
        notes=len(texts),
        cores=cores,
        checks=checks,
        details=details,
    )


def _texts(config: NerBenchConfig) -> list[str]:
    if config.input is None:
        return [row["text"] for row in load_rows(config.documents, USUAL_WORDS)]
    from thce.ner.brat import files_of, read_document_text
    from thce.paths import resolve

    paths = files_of(Path(resolve(config.input)), ".txt")
    if not paths:
        raise InputError(f"input: {config.input}: no .txt file in it")
    source = [read_document_text(path) for path in paths]
    return list(itertools.islice(itertools.cycle(source), config.documents))


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _headline(
    config: NerBenchConfig,
    processes: Mapping[Side, SideProcess],
    grid: Mapping[Side, Mapping[int, float]],
    texts: Sequence[str],
) -> dict[Side, float]:
    """Median seconds of the three sides, each at its fastest batch size, taking turns."""
    sides = (PIPELINE, INT8, FP32)
    seconds: dict[Side, list[float]] = {side: [] for side in sides}
    for repetition in range(config.repetitions):
        for side in sides if repetition % 2 == 0 else sides[::-1]:
            seconds[side].append(processes[side].seconds(texts, _best_batch(grid[side])))
    return {side: median(values) for side, values in seconds.items()}


def _best_batch(of_batch: Mapping[int, float]) -> int:
    return min(of_batch, key=lambda batch: of_batch[batch])


def _compare(
    seconds: Mapping[Side, float],
    grid: Mapping[Side, Mapping[int, float]],
    documents: int,
    cores: int,
) -> tuple[Comparison, ...]:
    rate = {side: documents / spent for side, spent in seconds.items()}
    batch = {side: _best_batch(grid[side]) for side in seconds}
    ours = (
        f"ours: tokenizing, {cores} one-thread onnxruntime sessions side by side, one window at a "
        "time, joining windows and decoding; each side at its fastest number of documents at once"
    )
    rival = (
        'rival: `transformers.pipeline("token-classification")` with the same weights in torch '
        f"fp32 on {cores} threads, windows of the same size and stride, aggregation_strategy "
        f"first, batch {batch[PIPELINE]}"
    )
    unit = "documents per second"
    return (
        at_least(
            "int8 against transformers.pipeline",
            f"{ours}; {rival}",
            unit,
            rate[INT8],
            rate[PIPELINE],
            2.5,
        ),
        at_least("int8 against fp32", f"both {ours}", unit, rate[INT8], rate[FP32], 1.4),
        at_least(
            "fp32 against transformers.pipeline",
            f"{ours}; {rival}",
            unit,
            rate[FP32],
            rate[PIPELINE],
            1.0,
        ),
    )


def _row(of_batch: Mapping[int, float], documents: int, memory: int) -> dict[str, Any]:
    """What one side does, and what 10,000 notes would take it at its fastest."""
    best = min(of_batch.values())
    return {
        "documents_per_second_by_batch": {
            str(batch): documents / seconds for batch, seconds in of_batch.items()
        },
        "minutes_for_10000_notes": MANY * best / documents / 60,
        "memory_mib": memory / 2**20,
    }


def _same(one: SideProcess, other: SideProcess, texts: Sequence[str]) -> float:
    """The share of mentions, of those that either finds, that both find."""
    found = []
    for process in (one, other):
        answers = process.mentions(texts, len(texts))
        found.append(
            {(at, m.type, m.start, m.end) for at, answer in enumerate(answers) for m in answer}
        )
    either = found[0] | found[1]
    return len(found[0] & found[1]) / len(either) if either else 1.0
