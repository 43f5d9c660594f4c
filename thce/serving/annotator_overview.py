"""The page's API beside the note on screen: progress, agreement, anchoring, and the review."""

import asyncio
import logging
from typing import Any

from fastapi import APIRouter

from thce.annotations import review
from thce.annotations.agreement import agreement_of
from thce.annotations.anchoring import measure_anchoring
from thce.annotations.screen import Recorded
from thce.registry.keywords import find_mentions
from thce.serving.annotator_callers import Reviewer, Who, store_errors
from thce.serving.annotator_messages import DisputeShown, FlagShown, RulingGiven, every_flag
from thce.serving.annotator_store import ServedStore
from thce.serving.audit import LOGGER

_audit = logging.getLogger(LOGGER)


def add_overview(routes: APIRouter, store: ServedStore) -> None:
    """Adds the routes."""

    @routes.get("/flags")
    def flags(_: Who) -> list[FlagShown]:
        """Every flag with its definition and key."""
        return every_flag()

    @routes.get("/batches")
    async def batches(_: Who) -> list[dict[str, Any]]:
        """Every batch, and how far it is."""
        with store_errors():
            return [vars(batch) for batch in await store.run(lambda opened: opened.batches())]

    @routes.get("/progress")
    async def progress(_: Who) -> dict[str, Any]:
        """Notes by state, answers and pace by annotator, batches."""
        with store_errors():
            return await store.run(lambda opened: opened.progress())

    @routes.get("/agreement")
    async def agreement(_: Who) -> dict[str, Any]:
        """Cohen's kappa and the pull of the prefill, per flag; null where not measured yet."""
        with store_errors():
            agreed = await store.run(agreement_of)
            pulled = await store.run(measure_anchoring)
        return {
            "agreement": agreed and agreed.to_dict(),
            "anchoring": pulled and pulled.to_dict(),
        }

    @routes.get("/conflicts")
    async def conflicts(_: Reviewer) -> list[dict[str, Any]]:
        """The review queue: notes on which annotators disagree."""
        with store_errors():
            found = await store.run(review.disputes)
        return [{"encounter_id": name, "flags": count} for name, count in found]

    @routes.get("/conflicts/{encounter_id}")
    async def conflict(encounter_id: str, who: Reviewer) -> DisputeShown:
        """A note on which annotators disagree, with what each of them says."""
        with store_errors():
            found = await store.run(lambda opened: review.dispute_of(opened, encounter_id))
        _audit.info("shown dispute encounter=%s to=%s", encounter_id, who)
        mentions = await asyncio.to_thread(find_mentions, found.text)
        return DisputeShown.of(found, [one for one in mentions if one.flag in found.votes])

    @routes.post("/conflicts/{encounter_id}")
    async def settle(encounter_id: str, asked: RulingGiven, who: Reviewer) -> Recorded:
        """Settles disputed flags of a note."""
        ruling = review.Ruling(asked.id, encounter_id, asked.version, asked.decided)
        with store_errors():
            recorded = await store.run(lambda opened: review.settle(opened, who, ruling))
        _audit.info("settled encounter=%s by=%s new=%s", encounter_id, who, recorded.new)
        return recorded
