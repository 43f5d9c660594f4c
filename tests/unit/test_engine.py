"""Starting Ray where it does not come up; what a worker says of a wrong input."""

from typing import Any

import pytest

from thce.engine import input_errors, start_ray
from thce.errors import InputError


def _fails(said: str) -> Any:
    def init(**_: Any) -> None:
        raise Exception(said)

    return init


def test_a_machine_too_busy_for_ray_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", _fails("The current node timed out during startup. This"))
    with pytest.raises(InputError, match="too busy"):
        start_ray()
    monkeypatch.setattr(ray, "init", _fails("something else"))
    with pytest.raises(Exception, match="something else"):
        start_ray()


def test_what_a_worker_said_of_the_input_is_one_line_again() -> None:
    from ray.exceptions import RayTaskError

    said = InputError("encounter x1: structured: unknown\nTo change retry attempts, ...")
    raised = RayTaskError("read", "Traceback (most recent call last): ...", said)
    with pytest.raises(InputError) as found, input_errors():
        raise raised.as_instanceof_cause()
    assert str(found.value) == "encounter x1: structured: unknown"
