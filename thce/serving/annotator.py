"""The annotation page's API: tasks, answers, undo, history, progress, agreement and review.

An answer is on disk before its reply. Sent again under the same id it changes nothing, and one to
a task that was answered in another window meanwhile gets 409 and changes nothing either.
"""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response

from thce.annotations import review, screen
from thce.annotations.agreement import agreement_of
from thce.annotations.anchoring import measure_anchoring
from thce.annotations.screen import NoTaskError, OutdatedError, Past, Recorded, RefusedError, Work
from thce.annotations.tasks import Task
from thce.errors import InputError
from thce.registry.keywords import find_mentions
from thce.registry.labels import Flag
from thce.serving.annotator_messages import (
    AnswerGiven,
    DisputeShown,
    FlagShown,
    NextAsked,
    NextShown,
    PassagesShown,
    RulingGiven,
    TaskShown,
    UndoGiven,
    every_flag,
)
from thce.serving.annotator_model import METHOD, Explainer, Passage, moving_passages
from thce.serving.annotator_opinions import seen_of
from thce.serving.annotator_store import ServedStore
from thce.serving.security import Caller, Role, Security, caller
from thce.serving.tokens import NAME

LEASE_SECONDS = 3600.0
"""How long a note on screen is kept for the annotator; asking again extends it."""
HISTORY = 100
"""Past answers shown."""

_audit = logging.getLogger("thce.audit")
Batch = Annotated[str | None, Query(max_length=200, description="Only of this batch.")]


def annotator(
    request: Request,
    who: Annotated[Caller, Depends(caller(Role.ANNOTATE))],
    x_annotator: Annotated[
        str | None,
        Header(description="Who annotates, where no token says so.", max_length=64),
    ] = None,
) -> str:
    """A FastAPI dependency: who annotates. The token says so; without tokens the page does.

    Raises:
        HTTPException: 400, no usable name.
    """
    security: Security = request.app.state.security
    if security.needs_token:
        return who.name
    if x_annotator is None or not NAME.fullmatch(x_annotator):
        raise HTTPException(400, "X-Annotator: 1 to 64 letters, digits, spaces and ._@-")
    return x_annotator


def reviewer(
    _: Annotated[Caller, Depends(caller(Role.ADMIN))], who: Annotated[str, Depends(annotator)]
) -> str:
    """A FastAPI dependency: who reviews; it takes an admin, for a ruling overrules annotators."""
    return who


Who = Annotated[str, Depends(annotator)]
Reviewer = Annotated[str, Depends(reviewer)]


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

    @routes.get("/flags")
    def flags(_: Who) -> list[FlagShown]:
        """Every flag with its definition and key."""
        return every_flag()

    @routes.get("/batches")
    async def batches(_: Who) -> list[dict[str, Any]]:
        """Every batch, and how far it is."""
        with _answered():
            return [vars(batch) for batch in await store.run(lambda opened: opened.batches())]

    @routes.post("/next")
    async def next_task(asked: NextAsked, who: Who) -> NextShown:
        """The note to answer now, kept for this annotator; the one on screen comes first."""
        with _answered():
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
        with _answered():
            found = await store.run(lambda opened: screen.screen_of(opened, who, task_id))
        _audit.info("shown task=%s encounter=%s to=%s", *_ids(found.task), who)
        return await asyncio.to_thread(show, found)

    @routes.get("/tasks/{task_id}/passages")
    async def task_passages(task_id: str, who: Who) -> PassagesShown:
        """The passages that moved the model towards the flags it accepts, found by occlusion."""
        with _answered():
            found = (await store.run(lambda opened: screen.screen_of(opened, who, task_id))).task
        if not explains(found):
            return PassagesShown(method=METHOD, passages=[])
        accepted = tuple(flag for flag in found.options if flag in found.meta["ml_accept"])
        passages = await asyncio.to_thread(moved, found.text, accepted)
        return PassagesShown(method=METHOD, passages=[vars(one) for one in passages])

    @routes.post("/answers")
    async def answer(asked: AnswerGiven, who: Who) -> Recorded:
        """Records an answer; it is on disk when the reply comes."""
        with _answered():
            give = partial(screen.give, annotator=who, given=asked.given(), seconds=lease_seconds)
            recorded = await store.run(give)
        _audit.info("%s task=%s by=%s new=%s", asked.answer, asked.task_id, who, recorded.new)
        return recorded

    @routes.post("/undo")
    async def undo(asked: UndoGiven, who: Who) -> Recorded:
        """Takes an answer back; nothing is erased, and its note is next."""
        with _answered():
            give = partial(screen.give, annotator=who, given=asked.given(), seconds=lease_seconds)
            recorded = await store.run(give)
        _audit.info("undo task=%s by=%s new=%s", asked.task_id, who, recorded.new)
        return recorded

    @routes.post("/leave", status_code=204)
    async def leave(who: Who) -> None:
        """Frees the note on screen for others, as signing out does."""
        with _answered():
            await store.run(lambda opened: opened.give_up(who))

    @routes.get("/history")
    async def history(
        who: Who, batch: Batch = None, limit: Annotated[int, Query(ge=1, le=1000)] = HISTORY
    ) -> list[Past]:
        """The annotator's own answers, latest first."""
        with _answered():
            return await store.run(lambda opened: screen.history(opened, who, limit, batch))

    @routes.get("/work")
    async def work(who: Who, batch: Batch = None) -> Work:
        """How far the annotator is."""
        with _answered():
            return await store.run(lambda opened: screen.work_of(opened, who, batch))

    @routes.get("/progress")
    async def progress(_: Who) -> dict[str, Any]:
        """Notes by state, answers and pace by annotator, batches."""
        with _answered():
            return await store.run(lambda opened: opened.progress())

    @routes.get("/agreement")
    async def agreement(_: Who) -> dict[str, Any]:
        """Cohen's kappa and the pull of the prefill, per flag; null where not measured yet."""
        with _answered():
            agreed = await store.run(agreement_of)
            pulled = await store.run(measure_anchoring)
        return {
            "agreement": agreed and agreed.to_dict(),
            "anchoring": pulled and pulled.to_dict(),
        }

    @routes.get("/conflicts")
    async def conflicts(_: Reviewer) -> list[dict[str, Any]]:
        """The review queue: notes on which annotators disagree."""
        with _answered():
            found = await store.run(review.disputes)
        return [{"encounter_id": name, "flags": count} for name, count in found]

    @routes.get("/conflicts/{encounter_id}")
    async def conflict(encounter_id: str, who: Reviewer) -> DisputeShown:
        """A note on which annotators disagree, with what each of them says."""
        with _answered():
            found = await store.run(lambda opened: review.dispute_of(opened, encounter_id))
        _audit.info("shown dispute encounter=%s to=%s", encounter_id, who)
        mentions = await asyncio.to_thread(find_mentions, found.text)
        return DisputeShown.of(found, [one for one in mentions if one.flag in found.votes])

    @routes.post("/conflicts/{encounter_id}")
    async def settle(encounter_id: str, asked: RulingGiven, who: Reviewer) -> Recorded:
        """Settles disputed flags of a note."""
        ruling = review.Ruling(asked.id, encounter_id, asked.version, asked.decided)
        with _answered():
            recorded = await store.run(lambda opened: review.settle(opened, who, ruling))
        _audit.info("settled encounter=%s by=%s new=%s", encounter_id, who, recorded.new)
        return recorded

    return routes


def _private(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


def _ids(task: Task) -> tuple[str, str]:
    return task.task_id, task.encounter_id


@contextmanager
def _answered() -> Iterator[None]:
    """Turns what the store refuses into a status and one line."""
    try:
        yield
    except NoTaskError as error:
        raise HTTPException(404, str(error)) from None
    except RefusedError as error:
        raise HTTPException(422, str(error)) from None
    except OutdatedError as error:
        raise HTTPException(409, str(error)) from None
    except InputError as error:
        raise HTTPException(503, str(error), headers={"Retry-After": "5"}) from None
