"""The registry's model as a deployment: notes in, flags out, in one hop from the proxy."""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from fastapi import FastAPI

from thce.notes.rows import Note
from thce.registry.hydrate_ray import prepare_and_hydrate
from thce.registry.labels import FLAG_NAMES
from thce.registry.scored import join, json_rows
from thce.registry.thresholds import apply
from thce.serving.bundles_served import Follower, ServedBundle
from thce.serving.config import RegistryArgs
from thce.serving.fingerprint import Fingerprint
from thce.serving.note_requests import table_of
from thce.serving.problems import ProblemError
from thce.serving.registry_routes import routes
from thce.serving.score_queue import ScoreQueue
from thce.serving.security import Security
from thce.serving.shell import Shell
from thce.serving.watch import Watch

PUBLISH_SECONDS = 15.0
STUCK_SECONDS = 120.0
"""A session that is on one note for longer is stuck: the replica is replaced."""

_logger = logging.getLogger("thce.serving")


@dataclass(frozen=True)
class Answering:
    """The bundle that answers and the window over what it answered."""

    bundle: ServedBundle
    watch: Watch


@dataclass(frozen=True)
class Work:
    """One note, and the bundle that was the one to answer when its request came."""

    answering: Answering
    notes: pa.Table | None
    text: str | None = None


@dataclass(frozen=True)
class ModelOpinion:
    """What the sampler asks of the model.

    Attributes:
        version: of the bundle.
        probabilities: (n, 29).
        thresholds: (29,), infinity where the model abstains.
        accept: bool (n, 29).
    """

    version: str
    probabilities: np.ndarray
    thresholds: np.ndarray
    accept: np.ndarray


class RegistryModel:
    """A replica: one bundle, so many one-thread sessions, a queue before them."""

    def __init__(self, args: RegistryArgs, shadow: Any = None) -> None:
        """Opens the bundle.

        Args:
            args: what configs/serve/*.yaml says.
            shadow: handle of the deployment that scores a share of the notes beside this one.

        Raises:
            InputError: the bundle, its fingerprint or the token file is not valid.
        """
        self._args = args
        self._security = Security.open(args.safety.token_file)
        self._fingerprint = Fingerprint.load(args.fingerprint) if args.fingerprint else None
        self._answering = self._with(ServedBundle.open(args.model, args.weights, args.device))
        self._queue = ScoreQueue[Work, Any](_score, args.sessions, args.waiting)
        self._shadow = shadow
        self._draw = random.Random(0)
        self._follower = self._follow(args.model)
        self._published: asyncio.Task[None] | None = None

    def __serve_build_asgi_app__(self) -> Shell:
        """The HTTP side; Serve calls it once, in the replica."""
        app = FastAPI(title="thce registry", docs_url=None, redoc_url=None, openapi_url=None)
        app.include_router(routes(self, "/", self._args.safety))
        safety = self._args.safety
        return Shell(app, "registry", safety, self._security, admit=self._queue.require_room)

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Serve's `user_config`: `model: BUNDLE` changes the bundle; no request is dropped.

        Raises:
            InputError: the bundle cannot be opened; the one before goes on.
        """
        model = user_config.get("model")
        if model is None or model == self._args.model:
            return
        opened = await asyncio.to_thread(
            ServedBundle.open, model, self._args.weights, self._args.device
        )
        self._swap(opened)
        self._args = self._args.model_copy(update={"model": model})
        self._follower.stop()
        self._follower = self._follow(model)

    async def check_health(self) -> None:
        """Serve's health check.

        Raises:
            RuntimeError: a session is stuck.
        """
        if self._queue.longest() > STUCK_SECONDS:
            raise RuntimeError(f"a session has been on one note for {STUCK_SECONDS:g} seconds")
        if self._published is None:
            self._published = asyncio.create_task(self._publish())

    async def score(self, notes: Sequence[Note]) -> tuple[ServedBundle, list[dict[str, Any]]]:
        """Scores the notes of one request with one bundle.

        Returns:
            The bundle, and a row a note; a note that was not scored in time has `error` instead.

        Raises:
            ProblemError: 503, too many notes wait, or none could be scored in time.
        """
        answering = self._answering
        work = [Work(answering, table_of([note])) for note in notes]
        futures = self._queue.put(work, [len(note.note_text) for note in notes])
        try:
            done, _ = await asyncio.wait(futures, timeout=self._args.seconds)
            if not done:
                raise ProblemError(503, "not scored in time; send again later", retry_after=5)
            rows = [
                future.result()
                if future in done
                else {"encounter_id": note.encounter_id, "error": "not scored in time"}
                for note, future in zip(notes, futures, strict=True)
            ]
        finally:
            for future in futures:
                future.cancel()
        return answering.bundle, [self._shown(row) for row in rows]

    async def opinion(self, texts: list[str]) -> ModelOpinion:
        """What the model says of prepared texts, for the sampler; they wait like others' notes."""
        answering = self._answering
        futures = self._queue.put(
            [Work(answering, None, text) for text in texts], [len(text) for text in texts]
        )
        try:
            probabilities = np.concatenate(await asyncio.gather(*futures))
        finally:
            for future in futures:
                future.cancel()
        thresholds = answering.bundle.predictor.thresholds
        return ModelOpinion(
            answering.bundle.version,
            probabilities,
            thresholds.values,
            apply(probabilities, thresholds),
        )

    def describe(self) -> dict[str, Any]:
        """The manifest, the model card, what was watched: of this replica."""
        bundle = self._answering.bundle
        card = bundle.predictor.bundle.path("README.md").read_text(encoding="utf-8")
        return {
            "manifest": bundle.predictor.bundle.manifest.model_dump(mode="json"),
            "weights": bundle.predictor.weights,
            "labels": list(FLAG_NAMES),
            "model_card": card,
            "watch": self._answering.watch.report(),
        }

    def _with(self, bundle: ServedBundle) -> Answering:
        return Answering(bundle, Watch(bundle.version, self._fingerprint))

    def _follow(self, model: str) -> Follower:
        args = self._args
        return Follower(
            model,
            args.weights,
            args.device,
            args.follow_seconds,
            self._answering.bundle,
            self._swap,
        )

    def _swap(self, opened: ServedBundle) -> None:
        """From now on requests get the new bundle; those that came before keep theirs."""
        before = self._answering.bundle.version
        self._answering = self._with(opened)
        _logger.warning("registry: %s answers now, no longer %s", opened.version, before)

    def _shown(self, row: dict[str, Any]) -> dict[str, Any]:
        """A row as the caller gets it; a share of them goes to the shadow as well."""
        text = row.pop("text", None)
        own = row.pop("model_accept", None)
        if text and self._shadow is not None and self._draw.random() < self._args.shadow_share:
            self._shadow.compare.remote(text, own)
        return row

    async def _publish(self) -> None:
        while True:
            self._answering.watch.publish()
            await asyncio.sleep(PUBLISH_SECONDS)


def _score(work: Work) -> Any:
    """One note, on a session's thread: its row, or its probabilities where only a text is given."""
    predictor = work.answering.bundle.predictor
    if work.notes is None:
        return predictor.predict([work.text or ""])
    hydrated = prepare_and_hydrate(work.notes)
    text = hydrated["text"][0].as_py()
    ids = predictor.encoder.encode([text])
    probabilities = predictor.session.probabilities(ids)
    scored = join(predictor, hydrated, probabilities)
    row = json_rows(scored)[0]
    accept = np.isin(FLAG_NAMES, row["accept"])
    work.answering.watch.add(ids[0], probabilities[0], accept, row["needs_review"])
    own = apply(probabilities, predictor.thresholds)[0]
    return row | {"text": text, "model_accept": own}
