"""DisagreementSampler: asks rules, registry and coder about notes, and picks whom to ask next."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from thce.annotations.tasks import NewTask
from thce.notes.rows import Note, to_table
from thce.registry.candidates import Candidates, ModelView
from thce.registry.hydrated import matrix
from thce.registry.sample import WITHOUT_MODEL, build_tasks, choose
from thce.registry.sample_pool import Pool
from thce.registry.signals import deterministic_signal
from thce.registry.strategies import STRATEGIES
from thce.serving.messages import SampleAsked
from thce.serving.problems import ProblemError

SIMILAR = 0.8
"""Similarity from which one note of a near-duplicate group is asked first, as in `sample`."""


@dataclass(frozen=True)
class StoreView:
    """What the annotation store says, which the sampler itself does not hold.

    Attributes:
        blocked: encounters that may not be asked about now, and why.
        label_counts: (29,) positives that people have labelled so far.
    """

    blocked: Mapping[str, str]
    label_counts: np.ndarray


@dataclass(frozen=True)
class Chosen:
    """What the sampler picked.

    Attributes:
        tasks: best first.
        strategy: the one used.
        model_version: the bundle that was asked; None where it did not answer.
        left_out: notes that may not be asked about, by reason.
        degraded: children that did not answer in time, or not at all.
    """

    tasks: list[NewTask]
    strategy: str
    model_version: str | None
    left_out: dict[str, int]
    degraded: tuple[str, ...]


class DisagreementSampler:
    """A replica; it holds nothing but the handles of those whom it asks."""

    def __init__(self, rules: Any, registry: str | None, coder: str | None, seconds: float) -> None:
        """Takes the handle of the rules, and the names of the other applications.

        Args:
            rules: handle of `Rules`.
            registry: None where no registry's model is served.
            coder: None where no coder is served.
            seconds: that each may take.
        """
        self._rules = rules
        self._registry = registry
        self._coder = coder
        self._seconds = seconds

    async def choose(self, notes: list[Note], asked: SampleAsked, store: StoreView) -> Chosen:
        """Picks at most `limit` of the notes that may be asked about.

        A registry or a coder that is slow or gone is done without; the result says so, and a
        strategy that needs a model gives way to one that does not.

        Raises:
            ProblemError: 503, the rules do not answer: without them nothing can be compared.
        """
        open_notes = [note for note in notes if note.encounter_id not in store.blocked]
        left_out = Counter(
            store.blocked[note.encounter_id] for note in notes if note.encounter_id in store.blocked
        )
        if not open_notes:
            return Chosen([], asked.strategy, None, dict(left_out), ())
        degraded: list[str] = []
        if asked.coder:
            open_notes, whole = await self._with_codes(open_notes)
            degraded += [] if whole else ["coder"]
        hydrated = await self._hydrated(open_notes)
        model, version = await self._opinion(hydrated["text"].to_pylist())
        degraded += ["registry"] if model is None and self._registry else []
        pool = _pool(hydrated, model, version, store)
        strategy: str = asked.strategy
        if model is None and STRATEGIES[strategy].needs_model:
            strategy = WITHOUT_MODEL
        rows = await asyncio.to_thread(choose, pool, strategy, asked.limit, asked.seed, SIMILAR)
        tasks = build_tasks(pool, rows, strategy, asked.blind_fraction, asked.seed)
        return Chosen(tasks, strategy, version, dict(left_out), tuple(degraded))

    async def _hydrated(self, notes: list[Note]) -> pa.Table:
        try:
            found: pa.Table = await _within(
                self._rules.hydrate.remote(to_table(notes)), self._seconds
            )
        except _Silent:
            message = "the rules do not answer; send again later"
            raise ProblemError(503, message, retry_after=5) from None
        return found

    async def _opinion(self, texts: list[str]) -> tuple[ModelView | None, str | None]:
        if self._registry is None:
            return None, None
        try:
            handle = await _within(asyncio.to_thread(_handle, self._registry), self._seconds)
            found = await _within(handle.opinion.remote(texts), self._seconds)
        except _Silent:
            return None, None
        return ModelView(found.probabilities, found.thresholds, found.accept), found.version

    async def _with_codes(self, notes: list[Note]) -> tuple[list[Note], bool]:
        """The notes, those without codes with the coder's; and whether it answered for all."""
        bare = [row for row, note in enumerate(notes) if not note.cpt_codes]
        if self._coder is None:
            return notes, not bare
        ends = asyncio.get_running_loop().time() + self._seconds
        found = list(notes)
        for row in bare:
            note = notes[row]
            left = ends - asyncio.get_running_loop().time()
            asked = [(note.encounter_id, note.note_text)]
            try:
                handle = await _within(asyncio.to_thread(_handle, self._coder), left)
                _, codes = await _within(handle.codes.remote(asked), left)
            except _Silent:
                return found, False
            found[row] = replace(note, cpt_codes=codes[0])
        return found, True


class _Silent(Exception):  # noqa: N818 - a child's silence is a case, not an error
    """A child did not answer."""


def _handle(application: str) -> Any:
    """The handle of another application's ingress; asks Serve's controller, hence off the loop."""
    from ray import serve

    try:
        return serve.get_app_handle(application)
    except Exception:  # Ray has no class of its own for an application that is not there
        raise _Silent from None


async def _within(response: Any, seconds: float) -> Any:
    """A child's answer; a late one is cancelled.

    Raises:
        _Silent: it is late, refuses, or is dead.
    """
    from ray.exceptions import RayError
    from ray.serve.exceptions import RayServeException

    try:
        return await asyncio.wait_for(response, max(seconds, 0.001))
    except (TimeoutError, RayError, RayServeException, ProblemError):
        raise _Silent from None


def _pool(
    hydrated: pa.Table, model: ModelView | None, version: str | None, store: StoreView
) -> Pool:
    cpt = matrix(hydrated, "cpt_signal")
    codes = hydrated["cpt_codes"].to_pylist()
    candidates = Candidates(
        encounter_ids=hydrated["encounter_id"].to_pylist(),
        deterministic=deterministic_signal(
            matrix(hydrated, "structured_signal"), cpt, matrix(hydrated, "keyword_signal"), codes
        ),
        cpt=cpt,
        label_counts=store.label_counts,
        model=model,
    )
    return Pool(candidates, hydrated["text"].to_pylist(), codes, version, {})
