"""The format step: a mixture of sources -> Parquet shards of each stage, with a report of gates."""

import json
import shutil
from pathlib import Path
from typing import Any

from thce.coder.format_shards import plain_counts, shards_of, stage_report
from thce.coder.gates import GateLimits, verdict
from thce.coder.mixture import MixtureConfig, plan_stage
from thce.coder.mixture_sources import open_sources, source_pools, with_whole_paths
from thce.codes.load import catalogue_versions
from thce.errors import InputError
from thce.notes.outputs import open_output, require_replaceable
from thce.paths import is_remote, resolve

REPORT = "report.json"


def run(config: MixtureConfig) -> dict[str, Any]:
    """Draws, makes, writes and checks every stage of a mixture.

    The rows and their order depend on the configuration alone, not on shards or workers. The
    folder is replaced whole where it is local. A failed gate does not keep the rows from being
    written: the report says so, and `thce coder check-data` ends with it.

    Returns:
        Rows by stage and source, the gates, the catalogues' versions, and where it all lies.

    Raises:
        InputError: a source cannot be read or gives no row for a stage.
    """
    config = with_whole_paths(config)
    output = resolve(config.output)
    staging = output if is_remote(output) else f"{output}.tmp"
    if not is_remote(output):
        require_replaceable("output", Path(output), ("stage_[123]", REPORT))
        shutil.rmtree(staging, ignore_errors=True)
    open_sources(config)  # a wrong source is said before anything starts
    try:
        report = {
            "stages": {str(stage): _stage(config, stage, staging) for stage in config.counts},
            "code_set": catalogue_versions(),
            "seed": config.seed,
            "scope": config.scope,
            "held_out_share": config.held_out_share,
            "output": output,
        }
        with open_output(f"{staging}/{REPORT}", "w") as handle:
            handle.write(json.dumps(report, indent=2) + "\n")
        if not is_remote(output):
            shutil.rmtree(output, ignore_errors=True)
            Path(staging).rename(output)
    finally:
        if not is_remote(output):
            shutil.rmtree(staging, ignore_errors=True)
    return report


def _stage(config: MixtureConfig, stage: int, folder: str) -> dict[str, Any]:
    plan = plan_stage(config, stage, source_pools(config))
    if not len(plan.sources):
        raise InputError(f"sources: none has a row for stage {stage}; give another source or scope")
    shards = shards_of(plan, folder, config.shard_rows)
    limits = GateLimits()
    if config.runner == "plain":
        counts = plain_counts(config, shards, limits)
    else:
        from thce.coder.format_ray import ray_counts
        from thce.engine import start_ray

        start_ray(config.cpus)
        counts = ray_counts(config, shards, limits)
    return stage_report(plan.wanted, counts, verdict(stage, counts, limits))
