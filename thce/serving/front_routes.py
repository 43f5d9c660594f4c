"""The front's own routes: sampling, batches, health, what is served, metrics, OpenAPI."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import ValidationError
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse

from thce.errors import InputError
from thce.serving import coder_routes, node_metrics, registry_routes, session_routes
from thce.serving.config import Safety
from thce.serving.messages import BatchShown, SampleAsked, Sampled, replies
from thce.serving.note_requests import read_notes
from thce.serving.openapi import body_of, describe
from thce.serving.problems import ProblemError, field_name
from thce.serving.security import Caller, Role, caller
from thce.serving.shell import Passing, passing

if TYPE_CHECKING:
    from thce.serving.front import Front

Known = Annotated[Passing, Depends(passing)]
Scorer = Annotated[Caller, Depends(caller(Role.SCORE))]
Annotator = Annotated[Caller, Depends(caller(Role.ANNOTATE))]
Admin = Annotated[Caller, Depends(caller(Role.ADMIN))]


def routes(front: "Front | None", safety: Safety | None = None) -> APIRouter:
    """The routes; `front` is None where they are only described."""
    limits = safety or Safety()
    router = APIRouter()

    @router.post(
        "/v1/sample",
        tags=["annotate"],
        summary="Pick notes for a person",
        responses=replies(Sampled, 400, 409, 413, 415, 422, 503),
        openapi_extra=body_of(SampleAsked),
    )
    async def sample(known: Known, _: Admin) -> Any:
        """Compares registry, rules and (where asked) coder, and appends tasks to a batch."""
        assert front is not None
        notes = read_notes(_notes_of(known.json), limits)
        asked = _asked(known.json)
        if asked.limit > front.most_tasks:
            raise ProblemError(422, f"at most {front.most_tasks} tasks", "limit")
        known.encounters = tuple(note.encounter_id for note in notes)
        try:
            found = await front.sample(notes, asked)
        except InputError as error:
            raise ProblemError(409, str(error), "batch") from None
        return JSONResponse(found.model_dump())

    @router.get("/v1/batches", tags=["annotate"], summary="Every batch", responses=replies(None))
    async def batches(_: Annotator) -> Sequence[BatchShown]:
        """Every batch, oldest first, and how far it is."""
        assert front is not None
        return [BatchShown.model_validate(asdict(one)) for one in await front.batches()]

    @router.get("/v1/health", tags=["service"], summary="Is the server there")
    async def health() -> dict[str, str]:
        """Answers while the front lives; asks no other part."""
        return {"status": "ok"}

    @router.get("/v1/ready", tags=["service"], summary="Can every part answer")
    async def ready() -> Any:
        """200 when every part answers, else 503 with those that do not."""
        assert front is not None
        parts = {part: said is not None for part, said in (await front.describe()).items()}
        return JSONResponse({"ready": parts}, status_code=200 if all(parts.values()) else 503)

    @router.get("/v1/model", tags=["service"], summary="What is served", responses=replies(None))
    async def model(_: Scorer) -> dict[str, Any]:
        """Bundle manifests, model cards and what was watched lately; null where a part is away."""
        assert front is not None
        return await front.describe()

    @router.get(
        "/v1/overrides", tags=["service"], summary="What people changed", responses=replies(None)
    )
    async def overrides(_: Admin) -> dict[str, Any]:
        """By bundle, how often people decided otherwise."""
        assert front is not None
        return await front.watched()

    @router.get("/metrics", tags=["service"], summary="Prometheus", responses=replies(None))
    async def metrics(_: Scorer) -> PlainTextResponse:
        """The series of every replica on every node."""
        return PlainTextResponse(await node_metrics.scrape(), media_type=node_metrics.MEDIA_TYPE)

    @router.get("/v1/openapi.json", include_in_schema=False)
    async def openapi(_: Scorer) -> dict[str, Any]:
        return whole_description()

    @router.get("/", include_in_schema=False)
    async def home() -> RedirectResponse:
        return RedirectResponse("annotate/")

    return router


@cache
def whole_description() -> dict[str, Any]:
    """OpenAPI of the whole application."""
    return describe(
        registry_routes.routes(None, "/v1/registry"),
        coder_routes.routes(None, "/v1/codes"),
        routes(None),
        session_routes.router,
    )


def _notes_of(body: Any) -> Any:
    if not isinstance(body, dict) or "notes" not in body:
        raise ProblemError(422, "missing", "notes")
    return {"notes": body["notes"]}


def _asked(body: dict[str, Any]) -> SampleAsked:
    """The request without its notes, which were read already."""
    placeholder = [{"note_text": "read"}]
    try:
        return SampleAsked.model_validate(body | {"notes": placeholder})
    except ValidationError as error:
        first = error.errors()[0]
        message = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
        raise ProblemError(422, message, field_name(first["loc"])) from None
