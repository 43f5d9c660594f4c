"""From a source's configuration to the source, opened once a process."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from thce.coder.common_codes import common_codes
from thce.coder.example_files import ExampleFile
from thce.coder.examples import Example
from thce.coder.mixture import ExamplesSource, MixtureConfig, OfficialSource, Source
from thce.coder.official_terms import OfficialTerms
from thce.coder.rejections import completed
from thce.coder.synthesize import SyntheticNarratives
from thce.codes.code_types import CodeType
from thce.paths import resolve

SEED_STEP = 1_000_003  # between the seeds of a mixture's sources


class ExampleSource(Protocol):
    """What a mixture needs of a source: its size, and the examples at given places."""

    def __len__(self) -> int: ...

    def examples(self, places: Iterable[int], stage: int = 3) -> list[Example]:
        """The examples at places from 0 to `len(self)` - 1, in the order asked for."""
        ...


def open_sources(config: MixtureConfig) -> list[ExampleSource]:
    """The sources of a mixture, in their order; opened once a process.

    Raises:
        InputError: a source cannot be read.
    """
    return [
        _opened(
            source.model_dump_json(),
            _files_state(source),
            # Two synthetic sources of one mixture word the same term differently.
            config.seed + number * SEED_STEP,
            config.held_out_share,
            (None if isinstance(source, ExamplesSource) else source.scope) or config.scope,
        )
        for number, source in enumerate(config.sources)
    ]


def with_whole_paths(config: MixtureConfig) -> MixtureConfig:
    """The mixture with its files' paths made absolute, for workers that start elsewhere."""
    sources = [
        source.model_copy(
            update={
                "path": resolve(source.path),
                "exclude_ids": resolve(source.exclude_ids) if source.exclude_ids else None,
            }
        )
        if isinstance(source, ExamplesSource)
        else source
        for source in config.sources
    ]
    return config.model_copy(update={"sources": sources})


def source_pools(config: MixtureConfig) -> list[NDArray[np.float64]]:
    """For each source the weight of each of its places."""
    opened = open_sources(config)
    return [_pool(source, one) for source, one in zip(config.sources, opened, strict=True)]


def _pool(source: Source, opened: ExampleSource) -> NDArray[np.float64]:
    if isinstance(opened, OfficialTerms | SyntheticNarratives):
        balance = 0.0 if isinstance(source, ExamplesSource) else source.balance
        families = opened.families()
        _, family, sizes = np.unique(families, return_inverse=True, return_counts=True)
        return (1.0 / sizes[family]) ** balance
    return np.ones(len(opened))


def _files_state(source: Source) -> tuple[int, ...]:
    """Changes with the source's file, so that a worker that lives on reads it again."""
    if not isinstance(source, ExamplesSource) or not Path(source.path).is_file():
        return ()
    state = Path(source.path).stat()
    return state.st_mtime_ns, state.st_size


@cache
def _opened(
    described: str, state: tuple[int, ...], seed: int, share: float, scope: str
) -> ExampleSource:
    adapter: TypeAdapter[Source] = TypeAdapter(Source)
    source = adapter.validate_python(json.loads(described))
    codes = common_codes() if scope == "common" else None
    if isinstance(source, OfficialSource):
        return OfficialTerms(source.code_types, seed, share, codes)
    if isinstance(source, ExamplesSource):
        return _Completed(ExampleFile(source.path, source.exclude_ids, source.name), seed, codes)
    return SyntheticNarratives(source.code_types, seed, share, codes, source.variants)


class _Completed:
    """Examples kept to the scope, those without reasoning or wrong answer given the tree's."""

    def __init__(
        self,
        source: ExampleFile,
        seed: int,
        codes: frozenset[tuple[CodeType, str]] | None,
    ) -> None:
        everything = completed(source.examples(range(len(source))), seed)
        self._examples = [
            one for one in everything if codes is None or (one.code_type, one.code) in codes
        ]

    def __len__(self) -> int:
        return len(self._examples)

    def examples(self, places: Iterable[int], stage: int = 3) -> list[Example]:
        """The examples at places from 0 to `len(self)` - 1."""
        return [self._examples[place] for place in places]
