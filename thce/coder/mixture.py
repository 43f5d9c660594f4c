"""A mixture: which sources, how much of each, and which row of the output comes from where.

Which row comes from where is settled before a row is made, so shards may be made in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from thce.coder.held_out_terms import SHARE
from thce.codes.code_types import CodeType
from thce.config import Config

Weight = Annotated[float, Field(gt=0)]
Scope = Literal["all", "common"]


class OfficialSource(Config):
    """Descriptions and inclusion terms of the catalogues.

    Attributes:
        weight: its part of the mixture, relative to the other sources.
        code_types: which catalogues.
        balance: 0 draws every term alike; 1 draws every category alike, so that the 50,000 injury
            codes do not crowd out the rest.
        scope: `all` or `common`; by default the mixture's.
    """

    kind: Literal["official_terms"]
    weight: Weight = 1
    code_types: tuple[CodeType, ...] = tuple(CodeType)
    balance: float = Field(default=0, ge=0, le=1)
    scope: Scope | None = None


class SyntheticSource(Config):
    """Official terms dressed in clinical language.

    Attributes:
        weight, code_types, balance, scope: as of official terms.
        variants: how many narratives may be made from one term.
    """

    kind: Literal["synthetic"]
    weight: Weight = 1
    code_types: tuple[CodeType, ...] = tuple(CodeType)
    balance: float = Field(default=0, ge=0, le=1)
    scope: Scope | None = None
    variants: int = Field(default=8, ge=1, le=1000)


class ExamplesSource(Config):
    """A JSONL file of examples.

    Attributes:
        weight: as of official terms.
        path: the file.
        exclude_ids: file with the ids of the frozen test; they never leave the source. Null for a
            file that has none, such as what `thce coder import` writes.
        name: what its rows are marked with.
    """

    kind: Literal["examples"]
    weight: Weight = 1
    path: str
    exclude_ids: str | None
    name: str = "examples"


Source = Annotated[
    OfficialSource | SyntheticSource | ExamplesSource,
    Field(discriminator="kind"),
]


class MixtureConfig(Config):
    """What is mixed, and where it goes.

    Attributes:
        sources: at least one.
        counts: rows by stage; a stage that is absent is not written.
        seed: of every draw.
        scope: `all` codes, or `common` for the shipped list of common ones.
        held_out_share: of official inclusion terms that no source may emit.
        output: folder of `stage_N/part-*.parquet` and `report.json`; local or fsspec.
        shard_rows: rows a shard; it does not change what is written beside where it is cut.
        runner: `ray`, or `plain` for one process without Ray.
        cpus: of a local Ray; by default the machine's.
    """

    sources: list[Source] = Field(min_length=1)
    counts: dict[Literal[1, 2, 3], Annotated[int, Field(ge=1)]] = Field(
        default={1: 50_000, 2: 70_000, 3: 40_000}
    )
    seed: int = 17
    scope: Scope = "all"
    held_out_share: float = Field(default=SHARE, ge=0, lt=1)
    output: str = "$THCE_HOME/coder/mixture"
    shard_rows: int = Field(default=5_000, ge=1)
    runner: Literal["ray", "plain"] = "ray"
    cpus: int | None = Field(default=None, ge=1)

    @field_validator("counts")
    @classmethod
    def _some_stage(cls, counts: dict[int, int]) -> dict[int, int]:
        if not counts:
            raise ValueError("give the rows of at least one stage")
        return counts


@dataclass(frozen=True)
class StagePlan:
    """Where each row of a stage comes from.

    Attributes:
        stage: 1, 2 or 3.
        sources: (rows,) int16 index of the source.
        places: (rows,) int64 place in the source.
        wanted: rows that the configuration asks for.
    """

    stage: int
    sources: NDArray[np.int16]
    places: NDArray[np.int64]
    wanted: int


def allocate(count: int, weights: Sequence[float], available: Sequence[int]) -> list[int]:
    """How many rows each source gives.

    By weight; a source that has fewer gives what it has, and the others share the rest by weight.
    The sum is below `count` only where all of them are used up.
    """
    given = [0] * len(weights)
    open_ = [place for place, rows in enumerate(available) if rows > 0]
    while open_ and (left := count - sum(given)) > 0:
        total = sum(weights[place] for place in open_)
        wanted = {place: given[place] + left * weights[place] / total for place in open_}
        full = [place for place in open_ if wanted[place] >= available[place]]
        if not full:
            return _rounded(count, given, wanted)
        for place in full:
            given[place] = available[place]
        open_ = [place for place in open_ if place not in full]
    return given


def _rounded(count: int, given: list[int], wanted: dict[int, float]) -> list[int]:
    """Largest remainders, so that the sum is exact."""
    for place, share in wanted.items():
        given[place] = int(share)
    rest = sorted(wanted, key=lambda place: (int(wanted[place]) - wanted[place], place))
    for place in rest[: count - sum(given)]:
        given[place] += 1
    return given


def plan_stage(
    config: MixtureConfig, stage: int, pools: Sequence[NDArray[np.float64]]
) -> StagePlan:
    """Draws the rows of a stage.

    Args:
        config: counts, weights and seed.
        stage: 1, 2 or 3.
        pools: for each source one weight a place, above zero. Drawn without replacement
            (Efraimidis and Spirakis 2006).
    """
    wanted = config.counts[stage]  # type: ignore[index]
    weights = [source.weight for source in config.sources]
    counts = allocate(wanted, weights, [len(pool) for pool in pools])
    sources, places = [], []
    for number, (pool, count) in enumerate(zip(pools, counts, strict=True)):
        draws = np.random.default_rng([config.seed, stage, number]).exponential(size=len(pool))
        places.append(np.argsort(draws / pool, kind="stable")[:count])
        sources.append(np.full(count, number, np.int16))
    order = np.random.default_rng([config.seed, stage]).permutation(sum(counts))
    return StagePlan(stage, np.concatenate(sources)[order], np.concatenate(places)[order], wanted)
