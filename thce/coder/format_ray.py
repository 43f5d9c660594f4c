"""A stage's shards on Ray Data: each task makes and writes shards, only counts come back."""

import pickle
from typing import Any

from thce.coder.format_shards import Shard, write_shard
from thce.coder.gates import GateCounts, GateLimits
from thce.coder.mixture import MixtureConfig


def ray_counts(config: MixtureConfig, shards: list[Shard], limits: GateLimits) -> GateCounts:
    """Writes shards with Ray Data on the running cluster.

    Raises:
        InputError: what a worker said of a source.
    """
    from thce.engine import input_errors, items_dataset

    dataset = items_dataset([{"shard": pickle.dumps(shard)} for shard in shards])
    written = dataset.map_batches(
        _write,
        batch_size=1,
        batch_format="numpy",
        fn_kwargs={"config": config, "limits": limits},
    )
    counts = GateCounts()
    with input_errors():
        for row in written.iter_rows():
            counts.add(pickle.loads(row["counts"]))  # our own workers' counts
    return counts


def _write(batch: dict[str, Any], config: MixtureConfig, limits: GateLimits) -> dict[str, Any]:
    from thce.engine import quiet_failures

    quiet_failures()
    counts = [write_shard(config, pickle.loads(shard), limits) for shard in batch["shard"]]
    return {"counts": [pickle.dumps(count) for count in counts]}
