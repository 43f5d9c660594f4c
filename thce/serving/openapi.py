"""The description of the whole API, although parts of it answer in applications of their own."""

from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter


def body_of(*kinds: Any) -> dict[str, Any]:
    """The request body of a route that reads its JSON itself: one of several forms."""
    schemas = [TypeAdapter(kind).json_schema() for kind in kinds]
    definitions: dict[str, Any] = {}
    for schema in schemas:
        definitions |= schema.pop("$defs", {})
    inlined = [_inline(schema, definitions) for schema in schemas]
    schema = inlined[0] if len(inlined) == 1 else {"anyOf": inlined}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def describe(*routers: Any) -> dict[str, Any]:
    """OpenAPI of all routes together."""
    from thce import __version__

    app = FastAPI(
        title="thce",
        version=__version__,
        description="Registry flags and billing codes of clinical notes: suggestions for a person "
        "to decide on. Nothing of a note is logged.",
    )
    for router in routers:
        app.include_router(router)
    found = app.openapi()
    found["components"]["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"bearer": []}]
    return found


def _inline(value: Any, definitions: dict[str, Any]) -> Any:
    """A schema that needs no definitions beside it."""
    if isinstance(value, list):
        return [_inline(one, definitions) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _inline(definitions[value["$ref"].rpartition("/")[2]], definitions)
    return {name: _inline(one, definitions) for name, one in value.items()}
