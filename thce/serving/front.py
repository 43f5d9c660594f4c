"""The front as a deployment: the annotation page, the sampler, batches, health, metrics, OpenAPI.

One replica: it holds the annotation store, which has one writer.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from fastapi import FastAPI

from thce.annotations.batches import Batch, Prepared
from thce.annotations.store import AnnotationStore
from thce.bundles.channel import resolve as resolve_model
from thce.notes.rows import Note
from thce.registry.labels import FLAG_NAMES
from thce.serving import annotator, annotator_page, session_routes
from thce.serving.annotator_app import open_explainer
from thce.serving.annotator_model import Explainer
from thce.serving.annotator_store import ServedStore
from thce.serving.config import FrontArgs
from thce.serving.front_routes import routes
from thce.serving.messages import SampleAsked, Sampled
from thce.serving.meters import gauge
from thce.serving.overrides import overrides
from thce.serving.problems import ProblemError
from thce.serving.sampler import Chosen, StoreView
from thce.serving.security import Security
from thce.serving.shell import Shell

PART_SECONDS = 5.0
"""That a part may take to say that it is ready, or what it serves."""
PUBLISH_SECONDS = 60.0


class Front:
    """The replica."""

    def __init__(self, args: FrontArgs, sampler: Any) -> None:
        """Opens the store, made where there is none.

        Args:
            args: what configs/serve/*.yaml says.
            sampler: handle of `DisagreementSampler`.

        Raises:
            InputError: the store, the bundle or the token file is not valid.
        """
        self._args = args
        self._sampler = sampler
        self._security = Security.open(args.safety.token_file)
        AnnotationStore.open(args.store, create=True).close()
        self._store = ServedStore(args.store)
        self._explainer = _explainer(args.explained)
        self._published: asyncio.Task[None] | None = None

    def __serve_build_asgi_app__(self) -> Shell:
        """The HTTP side; Serve calls it once, in the replica."""
        app = FastAPI(title="thce", docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(session_routes.router)
        app.include_router(routes(self, self._args.safety))
        app.include_router(annotator.router(self._args.store, explainer=self._explainer))
        app.include_router(annotator_page.router)
        return Shell(app, "front", self._args.safety, self._security)

    async def check_health(self) -> None:
        """Serve's health check; begins to publish what annotation says of the bundles."""
        if self._published is None:
            self._published = asyncio.create_task(self._publish())

    @property
    def most_tasks(self) -> int:
        """Tasks of one sample."""
        return self._args.limit

    async def sample(self, notes: list[Note], asked: SampleAsked) -> Sampled:
        """Picks notes and appends their tasks to a batch; the same notes again add nothing.

        Raises:
            ProblemError: 503, the sampler or the rules do not answer.
            InputError: the batch exists with another overlap.
        """
        view = await self._store.run(lambda store: _view(store, notes, asked.batch))
        chosen = await self._choose(notes, asked, view)
        prepared: Prepared = await self._store.run(
            lambda store: store.prepare(asked.batch, chosen.tasks, overlap=asked.overlap)
        )
        return Sampled(
            batch=asked.batch,
            created=prepared.created,
            existing=prepared.existing,
            deleted=prepared.deleted,
            left_out=chosen.left_out,
            encounter_ids=[task.encounter_id for task in chosen.tasks],
            strategy=chosen.strategy,
            model_version=chosen.model_version,
            degraded=list(chosen.degraded),
        )

    async def _choose(self, notes: list[Note], asked: SampleAsked, view: StoreView) -> Chosen:
        from ray.exceptions import RayError

        try:
            found: Chosen = await self._sampler.choose.remote(notes, asked, view)
        except RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, ProblemError):
                raise cause from None
            message = "the sampler does not answer; send again later"
            raise ProblemError(503, message, retry_after=5) from None
        return found

    async def batches(self) -> Sequence[Batch]:
        """Every batch, oldest first."""
        return await self._store.run(lambda store: store.batches())

    async def describe(self) -> dict[str, Any]:
        """What is served: by part, None where it does not answer in time."""
        parts = {"registry": self._args.registry, "coder": self._args.coder}
        named = {part: name for part, name in parts.items() if name}
        said = await asyncio.gather(*(_described(name) for name in named.values()))
        return dict(zip(named, said, strict=True))

    async def watched(self) -> dict[str, Any]:
        """What annotation says of each bundle."""
        found = await self._store.run(overrides)
        return {version: one.to_dict() for version, one in found.items()}

    async def _publish(self) -> None:
        while True:
            for version, found in (await self.watched()).items():
                if found["rate"] is not None:
                    text = "Share of the flags that people decided otherwise than the bundle."
                    gauge("thce_override_rate", text, {"version": version}, found["rate"])
            await asyncio.sleep(PUBLISH_SECONDS)


def _explainer(model: str | None) -> Explainer | None:
    return open_explainer(resolve_model(model)) if model else None


def _view(store: AnnotationStore, notes: Sequence[Note], batch: str) -> StoreView:
    """What the store says of these notes; those that are in the batch already stay in it."""
    ids = [note.encounter_id for note in notes]
    inside = set()
    if any(one.batch == batch for one in store.batches()):
        inside = {task.encounter_id for task in store.tasks(batch)}
    blocked = {name: str(block) for name, block in store.blocked(ids).items() if name not in inside}
    labels = store.human_labels().table
    counts = [sum(filter(None, labels[name].to_pylist())) for name in FLAG_NAMES]
    return StoreView(blocked, np.array(counts))


async def _described(application: str) -> dict[str, Any] | None:
    from ray import serve

    try:
        async with asyncio.timeout(PART_SECONDS):
            handle = await asyncio.to_thread(serve.get_app_handle, application)
            return dict(await handle.describe.remote())
    except Exception:  # absent, dead, late: whatever it is, this part does not answer
        return None
