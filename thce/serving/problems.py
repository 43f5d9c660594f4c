"""What a request gets when it cannot be answered: a status, the field, one line, never its text."""

import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

RETRY_AFTER = "Retry-After"
_FIELD = re.compile("[a-z][a-z0-9_]{0,30}")


class ProblemError(Exception):
    """A request that is refused.

    Attributes:
        status: HTTP status, 4xx, or 503 where it may be sent again.
        message: one line that names what is wrong; never note text.
        field: where in the request, `notes[2].cpt_codes`; None where it is none of its fields.
        retry_after: whole seconds after which it may be sent again.
    """

    def __init__(
        self,
        status: int,
        message: str,
        field: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[type["ProblemError"], tuple[Any, ...]]:
        """It travels between processes."""
        return ProblemError, (self.status, self.message, self.field, self.retry_after)

    def response(self) -> JSONResponse:
        """The reply."""
        headers = {RETRY_AFTER: str(self.retry_after)} if self.retry_after else {}
        return problem_response(self.status, self.message, self.field, headers)


def problem_response(
    status: int, message: str, field: str | None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The one form of every error body."""
    body = {"error": {"status": status, "field": field, "message": message}}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}))


def field_name(steps: tuple[int | str, ...]) -> str:
    """`("notes", 2, "text")` -> `notes[2].text`; a name that is no field's is not repeated."""
    name = ""
    for step in steps:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            shown = step if _FIELD.fullmatch(step) else "?"
            name += f".{shown}" if name else shown
    return name
