"""`thce bench format`: how fast official terms become rows, and what Ray Data keeps of that."""

import multiprocessing
import time
from hashlib import sha256
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import Field

from thce.bench.machine import usable_cores
from thce.bench.repeat import interleaved_seconds
from thce.bench.result import BenchResult, Comparison, at_least
from thce.coder.format_shards import Shard, shards_of, write_shard
from thce.coder.gates import GateLimits
from thce.coder.mixture import MixtureConfig, plan_stage
from thce.coder.mixture_sources import open_sources, source_pools
from thce.config import Config

RAY_LEAST, ROWS_A_SECOND = 0.85, 20_000.0


class FormatBenchConfig(Config):
    """How much is formatted.

    Attributes:
        rows: of official terms, written as Parquet and counted by the gates.
        stage: 1, 2 or 3; 3 is the slowest.
        shard_rows: of a shard.
        repetitions: timed repetitions of each side.
    """

    rows: int = Field(80_000, ge=100)
    stage: Literal[1, 2, 3] = 3
    shard_rows: int = Field(4_000, ge=10)
    repetitions: int = Field(3, ge=1)


def run(config: FormatBenchConfig) -> BenchResult:
    """Measures both in one run."""
    from thce.coder.format_ray import ray_counts
    from thce.engine import start_ray

    cores = usable_cores()
    with TemporaryDirectory(prefix="thce-bench-") as name:
        ours, plain = Path(name) / "ray", Path(name) / "plain"
        mixture = _mixture(config, ours)
        shards = _shards(mixture, config, ours)
        start_ray(cpus=cores, worker_logs=False)
        with _Processes(config, plain, cores) as processes:
            seconds = interleaved_seconds(
                {
                    "ours": lambda: ray_counts(mixture, shards, GateLimits()),
                    "rival": processes.run,
                },
                config.repetitions,
            )
        same = _digests(ours) == _digests(plain)
    rates = {side: config.rows / median(taken) for side, taken in seconds.items()}
    spread = at_least(
        "official terms on Ray Data",
        f"{config.rows} rows of stage {config.stage} from official terms to Parquet, counted by "
        f"the gates, on {cores} cores, catalogues loaded before; ours: Ray Data's tasks; rival: "
        f"{cores} plain processes, each with its share of the shards",
        "rows per second",
        rates["ours"],
        rates["rival"],
        RAY_LEAST,
    )
    return BenchResult(
        name="format",
        comparisons=(spread, _rate(rates["rival"], cores)),
        repetitions=config.repetitions,
        notes=config.rows,
        cores=cores,
        checks={"Ray and plain processes write the same bytes": same},
    )


def _rate(rows_a_second: float, cores: int) -> Comparison:
    ratio = rows_a_second / ROWS_A_SECOND
    return Comparison(
        name="rows of official terms",
        definition=f"ours: {cores} plain processes as above; rival: the wanted speed on two cores",
        unit="rows per second",
        ours=rows_a_second,
        rival=ROWS_A_SECOND,
        ratio=ratio,
        target="at least 1 on two cores",
        ok=ratio >= 1,
    )


class _Processes:
    """Plain processes with their catalogues loaded, each writing its shards when told."""

    def __init__(self, config: FormatBenchConfig, folder: Path, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes = [context.Pipe() for _ in range(count)]
        self._workers = [
            context.Process(target=_share, args=(config, folder, rank, count, pipe[1]))
            for rank, pipe in enumerate(self._pipes)
        ]

    def __enter__(self) -> "_Processes":
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        for pipe, _child in self._pipes:
            pipe.send(False)
        for worker in self._workers:
            worker.join()

    def run(self) -> None:
        """Lets every process write its share once.

        Raises:
            RuntimeError: one of them failed.
        """
        for pipe, _child in self._pipes:
            pipe.send(True)
        for (pipe, _child), worker in zip(self._pipes, self._workers, strict=True):
            while not pipe.poll(0.1):
                if not worker.is_alive():
                    raise RuntimeError("a plain process failed; its traceback is above")
            pipe.recv()


def _share(config: FormatBenchConfig, folder: Path, rank: int, count: int, pipe: Any) -> None:
    mixture = _mixture(config, folder)
    shards = _shards(mixture, config, folder)[rank::count]
    while pipe.recv():
        for shard in shards:
            write_shard(mixture, shard, GateLimits())
        pipe.send(time.time())


def _mixture(config: FormatBenchConfig, folder: Path) -> MixtureConfig:
    return MixtureConfig.model_validate(
        {
            "sources": [{"kind": "official_terms"}],
            "counts": {config.stage: config.rows},
            "output": str(folder),
        }
    )


def _shards(mixture: MixtureConfig, config: FormatBenchConfig, folder: Path) -> list[Shard]:
    open_sources(mixture)
    plan = plan_stage(mixture, config.stage, source_pools(mixture))
    return shards_of(plan, str(folder), config.shard_rows)


def _digests(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*.parquet")}
