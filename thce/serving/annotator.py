"""The annotation page's API: the note on screen, answers, undo and history.

An answer is on disk before its reply. Sent again under the same id it changes nothing, and one to
a task that was answered in another window meanwhile gets 409 and changes nothing either.
"""

import asyncio
import logging
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from thce.annotations import screen, work
from thce.annotations.screen import Recorded
from thce.annotations.tasks import Task
from thce.annotations.work import Past, Work
from thce.registry.labels import Flag
from thce.serving.annotator_callers import Who, store_errors
from thce.serving.annotator_messages import (
    AnswerGiven,
    NextAsked,
    NextShown,
    PassagesShown,
    TaskShown,
    UndoGiven,
)
from thce.serving.annotator_model import METHOD, Explainer, Passage, moving_passages
from thce.serving.annotator_opinions import seen_of
from thce.serving.annotator_overview import add_overview
from thce.serving.annotator_store import ServedStore
from thce.serving.audit import LOGGER

LEASE_SECONDS = 3600.0
"""How long a note on screen is kept for the annotator; asking again extends it."""
HISTORY = 100
"""Past answers shown."""

_audit = logging.getLogger(LOGGER)
Batch = Annotated[str | None, Query(max_length=200, description="Only of this batch.")]


def router(
    store_path: str | Path,
    *,
    explainer: Explainer | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> APIRouter:
    """The routes under /v1/annotate; the application puts a `Security` at `app.state.security`.

    Args:
        store_path: the annotation store, on this machine's disk; one process serves it.
        explainer: the model that shows which passages moved it; None shows the rules' alone.
        lease_seconds: how long a note on screen is kept for its annotator.
    """
    store = ServedStore(store_path)
    routes = APIRouter(prefix="/v1/annotate", tags=["annotate"], dependencies=[Depends(_private)])

    def explains(task: Task) -> bool:
        version = task.meta.get("model_version")
        return explainer is not None and not task.blind and version == explainer.version

    def show(found: screen.Screen) -> TaskShown:
        return TaskShown.of(found, seen_of(found.task), explained=explains(found.task))

    @lru_cache(maxsize=256)
    def moved(text: str, accepted: tuple[Flag, ...]) -> list[Passage]:
        return moving_passages(text, accepted, explainer.model) if explainer else []

    @routes.post("/next")
    async def next_task(asked: NextAsked, who: Who) -> NextShown:
        """The note to answer now, kept for this annotator; the one on screen comes first."""
        with store_errors():
            found = await store.run(
                lambda opened: screen.next_screen(opened, who, lease_seconds, asked.batch)
            )
        if found is None:
            return NextShown(task=None)
        _audit.info("shown task=%s encounter=%s to=%s", *_ids(found.task), who)
        return NextShown(task=await asyncio.to_thread(show, found))

    @routes.get("/tasks/{task_id}")
    async def task(task_id: str, who: Who) -> TaskShown:
        """A note on the annotator's screen, or one they answered."""
        with store_errors():
            found = await store.run(lambda opened: screen.screen_of(opened, who, task_id))
        _audit.info("shown task=%s encounter=%s to=%s", *_ids(found.task), who)
        return await asyncio.to_thread(show, found)

    @routes.get("/tasks/{task_id}/passages")
    async def task_passages(task_id: str, who: Who) -> PassagesShown:
        """The passages that moved the model towards the flags it accepts, found by occlusion."""
        with store_errors():
            found = (await store.run(lambda opened: screen.screen_of(opened, who, task_id))).task
        if not explains(found):
            return PassagesShown(method=METHOD, passages=[])
        accepted = tuple(flag for flag in found.options if flag in found.meta["ml_accept"])
        passages = await asyncio.to_thread(moved, found.text, accepted)
        return PassagesShown(method=METHOD, passages=[vars(one) for one in passages])

    @routes.post("/answers")
    async def answer(asked: AnswerGiven, who: Who) -> Recorded:
        """Records an answer; it is on disk when the reply comes."""
        with store_errors():
            give = partial(screen.give, annotator=who, given=asked.given(), seconds=lease_seconds)
            recorded = await store.run(give)
        _audit.info("%s task=%s by=%s new=%s", asked.answer, asked.task_id, who, recorded.new)
        return recorded

    @routes.post("/undo")
    async def undo(asked: UndoGiven, who: Who) -> Recorded:
        """Takes an answer back; nothing is erased, and its note is next."""
        with store_errors():
            give = partial(screen.give, annotator=who, given=asked.given(), seconds=lease_seconds)
            recorded = await store.run(give)
        _audit.info("undo task=%s by=%s new=%s", asked.task_id, who, recorded.new)
        return recorded

    @routes.post("/leave", status_code=204)
    async def leave(who: Who) -> None:
        """Frees the note on screen for others, as signing out does."""
        with store_errors():
            await store.run(lambda opened: opened.give_up(who))

    @routes.get("/history")
    async def history(
        who: Who, batch: Batch = None, limit: Annotated[int, Query(ge=1, le=1000)] = HISTORY
    ) -> list[Past]:
        """The annotator's own answers, latest first."""
        with store_errors():
            return await store.run(lambda opened: work.history(opened, who, limit, batch))

    @routes.get("/work")
    async def how_far(who: Who, batch: Batch = None) -> Work:
        """How far the annotator is."""
        with store_errors():
            return await store.run(lambda opened: work.work_of(opened, who, batch))

    add_overview(routes, store)
    return routes


def _private(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


def _ids(task: Task) -> tuple[str, str]:
    return task.task_id, task.encounter_id
