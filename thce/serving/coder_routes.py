"""POST /v1/codes, whole or as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, StreamingResponse

from thce.codes.code_types import CodeType
from thce.serving.config import Safety
from thce.serving.messages import Coded, CodesGiven, NarrativeGiven, replies
from thce.serving.note_requests import read_notes
from thce.serving.openapi import body_of
from thce.serving.problems import ProblemError, field_name
from thce.serving.security import Caller, Role, caller
from thce.serving.shell import Passing, log_place, passing

if TYPE_CHECKING:
    from thce.serving.coder_model import CoderModel, Narrative

CARD = "/v1/model"
OTHERS = ("code_type", "stream")


def routes(model: "CoderModel | None", path: str, safety: Safety | None = None) -> APIRouter:
    """The route.

    Args:
        model: what answers; None where the route is only described.
        path: `/` in the application of its own, /v1/codes where it is described.
        safety: the limits of a request.
    """
    limits = safety or Safety()
    router = APIRouter(tags=["coder"])

    @router.post(
        path,
        summary="Codes of notes",
        responses=replies(Coded, 400, 413, 415, 422, 503),
        openapi_extra=body_of(NarrativeGiven, list[NarrativeGiven], CodesGiven),
    )
    async def codes(
        known: Annotated[Passing, Depends(passing)],
        _: Annotated[Caller, Depends(caller(Role.SCORE))],
    ) -> Any:
        """Billable codes with the reasoning that led to them.

        With `stream: true` one note's answer comes as server-sent events: `text` with what was
        added, then `answer` with the whole, or `error`. Hang up, and the decoding ends.
        """
        assert model is not None
        narratives, stream = read_narratives(known.json, limits)
        known.encounters = tuple(one.note.encounter_id for one in narratives)
        if stream:
            return StreamingResponse(
                _events(model, narratives[0], known.request_id), media_type="text/event-stream"
            )
        rows = await _answers(model, narratives)
        return JSONResponse(_reply(model) | {"degraded": _any_error(rows), "results": rows})

    return router


def read_narratives(body: Any, limits: Safety) -> "tuple[list[Narrative], bool]":
    """The notes of a body with the types asked, and whether to stream.

    Raises:
        ProblemError: 422, naming the field.
    """
    from thce.serving.coder_model import Narrative

    notes = read_notes(body, limits, OTHERS)
    stream = body.get("stream", False) if isinstance(body, dict) else False
    if not isinstance(stream, bool):
        raise ProblemError(422, "expected true or false", "stream")
    if stream and len(notes) > 1:
        raise ProblemError(422, "one note at a time is streamed", "stream")
    single = isinstance(body, dict) and "notes" not in body
    rows = [body] if single else body if isinstance(body, list) else body["notes"]
    prefix: tuple[int | str, ...] = () if single or isinstance(body, list) else ("notes",)
    types = []
    for position, row in enumerate(rows):
        given = row.get("code_type", CodeType.ICD10)
        if given not in list(CodeType):
            steps = (*prefix, *(() if single else (position,)), "code_type")
            raise ProblemError(422, f"expected one of {', '.join(CodeType)}", field_name(steps))
        types.append(CodeType(given))
    pairs = zip(notes, types, strict=True)
    return [Narrative(note, code_type) for note, code_type in pairs], stream


async def _answers(model: "CoderModel", narratives: "list[Narrative]") -> list[dict[str, Any]]:
    """A row a note; once there is no room for more, the rest of a list says so."""
    rows: list[dict[str, Any]] = []
    for narrative in narratives:
        try:
            rows.append(await model.answer(narrative))
        except ProblemError as problem:
            if not rows or problem.status != 503:
                raise
            error = "not coded, the coder is busy"
            rows.append({"encounter_id": narrative.note.encounter_id, "error": error})
    return rows


async def _events(
    model: "CoderModel", narrative: "Narrative", request_id: str
) -> AsyncIterator[str]:
    try:
        async for piece in model.write(narrative):
            if isinstance(piece, str):
                yield _event("text", {"text": piece})
            else:
                yield _event("answer", _reply(model) | {"degraded": False, "results": [piece]})
    except ProblemError as problem:
        yield _event("error", {"status": problem.status, "message": problem.message})
    except Exception as error:  # the reply has begun: the shell cannot answer for it any more
        log_place(error, request_id)
        yield _event("error", {"status": 500, "message": "the server failed"})


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _reply(model: "CoderModel") -> dict[str, Any]:
    return {"suggestion": True, "version": model.version, "model_card": CARD}


def _any_error(rows: list[dict[str, Any]]) -> bool:
    return any("error" in row for row in rows)
