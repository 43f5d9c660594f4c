"""POST /v1/registry."""

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse

from thce.serving.config import Safety
from thce.serving.messages import NoteGiven, NotesGiven, Scored, replies
from thce.serving.note_requests import read_notes
from thce.serving.openapi import body_of
from thce.serving.security import Caller, Role, caller
from thce.serving.shell import Passing, passing

if TYPE_CHECKING:
    from thce.serving.registry_model import RegistryModel

CARD = "/v1/model"


def routes(model: "RegistryModel | None", path: str, safety: Safety | None = None) -> APIRouter:
    """The route.

    Args:
        model: what answers; None where the route is only described.
        path: `/` in the application of its own, /v1/registry where it is described.
        safety: the limits of a request.
    """
    limits = safety or Safety()
    router = APIRouter(tags=["registry"])

    @router.post(
        path,
        summary="Flags of notes",
        responses=replies(Scored, 400, 413, 415, 422, 503),
        openapi_extra=body_of(NoteGiven, list[NoteGiven], NotesGiven),
    )
    async def score(
        known: Annotated[Passing, Depends(passing)],
        _: Annotated[Caller, Depends(caller(Role.SCORE))],
    ) -> Any:
        """The 29 flags of one note, or of each note of a list, with who found them."""
        assert model is not None
        notes = read_notes(known.json, limits)
        known.encounters = tuple(note.encounter_id for note in notes)
        bundle, rows = await model.score(notes)
        return JSONResponse(
            {
                "suggestion": True,
                "version": bundle.version,
                "weights": bundle.predictor.weights,
                "model_card": CARD,
                "degraded": any("error" in row for row in rows),
                "results": rows,
            }
        )

    return router
