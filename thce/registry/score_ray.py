"""Scoring on Ray Data: notes are read in tasks, and prepared, hydrated and scored in actors.

All that happens to a note happens in one actor: reading and hydrating cost a twentieth of what
the model does, and a stage of its own would cost as much again in tasks, copies and a third
busy process.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from thce.errors import InputError
from thce.notes.read import ReadPlan
from thce.registry.abstention_file import Abstention
from thce.registry.predict import Predictor
from thce.registry.scored import score_notes


@dataclass(frozen=True)
class Scoring:
    """What every worker opens, and how many of them there are.

    Attributes:
        model: the bundle's path or URL, reachable from every machine.
        version: the version it must have there.
        weights: the name of the weights.
        band: see `score_notes`.
        abstention: see `score_notes`.
        min_workers: sessions kept at least.
        max_workers: sessions at most; None takes the cluster's cores.
        batch_rows: notes a session takes at a time.
    """

    model: str
    version: str
    weights: str
    band: float | None
    abstention: Abstention | None
    min_workers: int
    max_workers: int | None
    batch_rows: int


class ScoringWorker:
    """An actor that holds one session."""

    def __init__(self, scoring: Scoring) -> None:
        """Opens the bundle.

        Raises:
            InputError: it is not the bundle that the driver saw.
        """
        from thce.engine import quiet_failures

        quiet_failures()
        self.predictor = Predictor.open(scoring.model, scoring.weights)
        self.band = scoring.band
        self.abstention = scoring.abstention
        if self.predictor.bundle.version != scoring.version:
            raise InputError(
                f"{scoring.model}: bundle {self.predictor.bundle.version} here, but "
                f"{scoring.version} where the scoring was started"
            )

    def __call__(self, notes: pa.Table) -> pa.Table:
        """Scores one batch of read notes."""
        return score_notes(self.predictor, notes, self.band, self.abstention)


def scored_tables(plan: ReadPlan, scoring: Scoring, rows: int) -> Iterator[pa.Table]:
    """The scored notes of a plan in its order, `rows` at a time; only the last has fewer.

    Raises:
        InputError: a worker could not open the bundle.
    """
    import ray
    from ray.data import ActorPoolStrategy

    from thce.engine import input_errors
    from thce.notes.read_ray import dataset_of

    cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
    most = scoring.max_workers or max(cores, scoring.min_workers)
    pool = ActorPoolStrategy(min_size=scoring.min_workers, max_size=most)
    dataset = (
        dataset_of(plan)
        .repartition(target_num_rows_per_block=scoring.batch_rows)
        .map_batches(
            ScoringWorker,
            fn_constructor_kwargs={"scoring": scoring},
            batch_size=None,
            batch_format="pyarrow",
            compute=pool,
            num_cpus=worker_cpus(cores, most),
        )
    )
    with input_errors():
        yield from dataset.iter_batches(batch_size=rows, batch_format="pyarrow", prefetch_batches=0)


def worker_cpus(cores: int, workers: int) -> float:
    """The logical CPUs of one worker, so that a full pool leaves one core for reading.

    Reading needs a CPU of its own or the pool would wait for rows for ever, and
    yet every core should score: each worker books slightly less than the core it runs on.
    """
    spread = max(cores, workers)
    return (spread - 1) / spread
