"""Starting Ray where it does not come up; what a worker says of a wrong input."""

import logging
from typing import Any

import pytest

from thce.engine import input_errors, quiet_failures, start_ray
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


def test_of_what_ray_logs_only_the_repetition_of_a_wrong_input_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from ray.exceptions import RayTaskError

    def failed(cause: Exception) -> Exception:
        raised: Exception = RayTaskError("read", "Traceback ...", cause).as_instanceof_cause()
        return raised

    quiet_failures()
    executor = logging.getLogger("ray.data._internal.execution.streaming_executor_state")
    handler = logging.getLogger("ray.data.exceptions")
    with caplog.at_level(logging.WARNING, "ray.data"):
        for logger in (executor, handler):
            logger.addHandler(caplog.handler)  # Ray's loggers need not reach the root
        try:
            executor.error("wrong input", exc_info=failed(InputError("x1: unknown")))
            executor.error("a defect", exc_info=failed(ValueError("defect")))
            executor.warning("a warning", exc_info=failed(InputError("x1: unknown")))
            for cause in (InputError("x1: unknown"), ValueError("defect")):
                try:
                    raise failed(cause)
                except Exception:
                    handler.error("handled %s", type(cause).__name__)
            handler.error("no failure at all")
        finally:
            for logger in (executor, handler):
                logger.removeHandler(caplog.handler)
    assert list(dict.fromkeys(record.getMessage() for record in caplog.records)) == [
        "a defect",
        "a warning",
        "handled ValueError",
        "no failure at all",
    ]
