"""`thce bench hydrate`: the keyword scan, hydration on Ray, and memory as the input grows."""

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
from pydantic import Field, model_validator

from thce.bench.load_notes import SHORT_WORDS, USUAL_WORDS, load_rows, write_load_notes
from thce.bench.machine import usable_cores
from thce.bench.memory import Peak, sampled_peak
from thce.bench.plain_processes import hydrate_in_processes
from thce.bench.regex_loop import RegexLoop
from thce.bench.repeat import interleaved_seconds, notes_per_second
from thce.bench.result import BenchResult, Comparison, at_least
from thce.config import Config

KEYWORDS_LEAST, RAY_LEAST, MEMORY_MOST = 10.0, 0.85, 1.25


class HydrateBenchConfig(Config):
    """How much is hydrated.

    Attributes:
        notes: short synthetic notes of the largest memory run.
        small_notes: of the smallest one.
        ray_notes: of each timed run on Ray and in plain processes.
        keyword_notes: notes of usual length of each timed pass over the keywords.
        repetitions: timed repetitions of each side.
    """

    notes: int = Field(40_000, ge=100)
    small_notes: int = Field(10_000, ge=50)
    ray_notes: int = Field(20_000, ge=50)
    keyword_notes: int = Field(200, ge=1)
    repetitions: int = Field(3, ge=1)

    @model_validator(mode="after")
    def _memory_grows_from_small_to_large(self) -> "HydrateBenchConfig":
        if self.notes <= self.small_notes:
            raise ValueError(
                f"notes: {self.notes} are not more than the {self.small_notes} small_notes that "
                "their memory is held against; give more, or fewer small_notes"
            )
        return self


def run(config: HydrateBenchConfig) -> BenchResult:
    """Measures all three in one run."""
    from thce.engine import start_ray

    cores = usable_cores()
    keywords, same_classes = _keywords(config)
    with TemporaryDirectory(prefix="thce-bench-") as name:
        folder = Path(name)
        start_ray(cpus=cores, worker_logs=False)
        # Memory first: what the timed runs leave in this process would hide what it grows by.
        memory, details = _memory(config, folder)
        spread, same_rows = _spread(config, folder, cores)
    return BenchResult(
        name="hydrate",
        comparisons=(keywords, spread, memory),
        repetitions=config.repetitions,
        notes=config.ray_notes,
        cores=cores,
        checks={
            "scan and regular expressions find the same classes in every note": same_classes,
            "Ray and plain processes write the same rows": same_rows,
        },
        details=details | {"keyword_notes": config.keyword_notes},
    )


def _keywords(config: HydrateBenchConfig) -> tuple[Comparison, bool]:
    from thce.notes.prepare import prepare
    from thce.registry.keywords import keyword_signal
    from thce.registry.lexicon import load_lexicon, scan

    rows = load_rows(config.keyword_notes, USUAL_WORDS)
    texts = [prepare(row["text"]).text for row in rows]
    loop, lexicon = RegexLoop(), load_lexicon()
    seconds = interleaved_seconds(
        {
            "ours": lambda: [keyword_signal(text) for text in texts],
            "rival": lambda: [loop.find(text) for text in texts],
        },
        config.repetitions,
        clock=time.process_time,
    )
    same = all(
        set(loop.find(text))
        == {name for hit in scan(text, lexicon) for name in hit.classes if name in loop.patterns}
        for text in texts
    )
    comparison = at_least(
        "keyword hydration",
        "prepared notes of 60 to 400 words in one process, by its processor time; ours: "
        "`keyword_signal`, the scan with sections, assertion and the decision on 29 flags; rival: "
        "only finding the phrases, a loop over the same classes, each one alternation compiled "
        "with `re`, over the same normalised text",
        "notes per second",
        notes_per_second(config.keyword_notes, seconds["ours"]),
        notes_per_second(config.keyword_notes, seconds["rival"]),
        KEYWORDS_LEAST,
    )
    return comparison, same


def _spread(config: HydrateBenchConfig, folder: Path, cores: int) -> tuple[Comparison, bool]:
    notes = write_load_notes(folder / "notes.jsonl", config.ray_notes, SHORT_WORDS)
    output = folder / "hydrated"
    seconds = interleaved_seconds(
        {
            "ours": lambda: _hydrate(notes, output),
            "rival": lambda: hydrate_in_processes(notes, folder, cores),
        },
        config.repetitions,
    )
    same = _rows(output, "part-*").equals(_rows(folder, "plain-*"))
    comparison = at_least(
        "hydration on Ray Data",
        f"JSON lines of 60 to 100 words to Parquet on {cores} cores, from the call to the written "
        "output, Ray itself started before; ours: the hydrate step, with its first pass for bad "
        f"rows and repeated encounters and its report; rival: {cores} plain processes, started "
        "within the time, each reading, preparing, hydrating and writing its share once all have "
        "loaded, without that pass",
        "notes per second",
        notes_per_second(config.ray_notes, seconds["ours"]),
        notes_per_second(config.ray_notes, seconds["rival"]),
        RAY_LEAST,
    )
    return comparison, same


def _memory(config: HydrateBenchConfig, folder: Path) -> tuple[Comparison, dict[str, Any]]:
    peaks: dict[int, Peak] = {}
    seconds: dict[int, float] = {}
    for count in (config.small_notes, config.notes):
        notes = write_load_notes(folder / "many.jsonl", count, SHORT_WORDS, seed=1)
        started = time.perf_counter()
        with sampled_peak() as peaks[count]:
            _hydrate(notes, folder / "many")
        seconds[count] = time.perf_counter() - started
        shutil.rmtree(folder / "many")
    small, large = peaks[config.small_notes].total, peaks[config.notes].total
    comparison = Comparison(
        name=f"memory from {config.small_notes} to {config.notes} notes",
        definition=(
            "peak memory of the driver and everything it started during the hydrate step, private "
            "pages plus the largest shared part, sampled twice a second; ours: the larger "
            "input; rival: the smaller one; ratio: the larger over the smaller"
        ),
        unit="mebibytes",
        ours=large / 1024**2,
        rival=small / 1024**2,
        ratio=large / small,
        target=f"at most {MEMORY_MOST:g}",
        ok=large / small <= MEMORY_MOST,
    )
    return comparison, {
        "peak_bytes": {str(count): asdict(peak) for count, peak in peaks.items()},
        "memory_run_notes_per_second": {
            str(count): notes_per_second(count, [spent]) for count, spent in seconds.items()
        },
    }


def _rows(folder: Path, names: str) -> pa.Table:
    return pa.concat_tables(
        [parquet.read_table(path) for path in sorted(folder.glob(f"{names}.parquet"))]
    )


def _hydrate(notes: Path, output: Path) -> None:
    from thce.registry.hydrate_ray import HydrateConfig
    from thce.registry.hydrate_ray import run as hydrate

    hydrate(HydrateConfig(input=str(notes), output=str(output)))
