"""Reading a request's JSON so that there is one way to understand it.

What RFC 8259 leaves open or Python lets pass is refused: bytes that are not UTF-8, a name that
comes twice, NaN and Infinity, numbers beyond a float, lone surrogates, deep nesting.
"""

import json
import math
from typing import Any, NoReturn

from thce.serving.problems import ProblemError, field_name

DEEPEST = 32


def parse(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ProblemError: 400, saying what of it is not accepted.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProblemError(400, f"body: not UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_once,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_short,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ProblemError(400, f"body: not valid JSON at {where}") from None
    except RecursionError:
        raise _too_deep() from None
    _check(value, (), 0)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise ProblemError(
                    400, "body: a name comes twice in an object", field_name((name,))
                )
            seen.add(name)
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ProblemError(400, f"body: {name} is no JSON number")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ProblemError(400, "body: a number is too large")
    return value


def _short(digits: str) -> int:
    if len(digits) > 20:
        raise ProblemError(400, "body: a number has too many digits")
    return int(digits)


def _check(value: Any, steps: tuple[int | str, ...], depth: int) -> None:
    if depth > DEEPEST:
        raise _too_deep()
    if isinstance(value, str):
        _check_text(value, steps)
    elif isinstance(value, dict):
        for name, one in value.items():
            _check_text(name, steps)
            _check(one, (*steps, name), depth + 1)
    elif isinstance(value, list):
        for position, one in enumerate(value):
            _check(one, (*steps, position), depth + 1)


def _check_text(text: str, steps: tuple[int | str, ...]) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ProblemError(400, "body: a lone surrogate is no text", field_name(steps)) from None


def _too_deep() -> ProblemError:
    return ProblemError(400, f"body: nested deeper than {DEEPEST} levels")
