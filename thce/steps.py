"""Running a step from the command line or as a submitted job: configuration in, report out."""

import importlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from thce import config as configs
from thce.errors import Finding, InputError, input_error
from thce.paths import require_absolute


def run_step(
    module: str,
    config_class: str,
    path: str | Sequence[str] | None,
    overrides: Iterable[str] = (),
    **shortcuts: Any,
) -> dict[str, Any]:
    """Loads a step's configuration and runs it.

    Args:
        module: where `run` and the configuration class are.
        config_class: name of the configuration class.
        path: YAML file or several, of which later ones overrule; None for the defaults.
        overrides: dotted `a.b=value` assignments.
        shortcuts: fields given by options of their own; None leaves a field alone; they
            overrule everything else.

    Raises:
        InputError: the configuration is wrong, or the step says so.
    """
    step = importlib.import_module(module)
    given = [*overrides, *given_overrides(shortcuts)]
    return dict(step.run(configs.load(getattr(step, config_class), path, given)))


def given_overrides(shortcuts: Mapping[str, Any]) -> list[str]:
    """`name=value` for each option that was given; None stands for one that was not."""
    return [f"{name}={json.dumps(value)}" for name, value in shortcuts.items() if value is not None]


def run_job(module: str, config_class: str, outputs: tuple[str, ...] = ("output",)) -> None:
    """The whole of a script in jobs/: `--config FILE ... [a.b=value ...]`, a report as JSON.

    Args:
        module: where `run` and the configuration class are.
        config_class: name of the configuration class.
        outputs: fields that name outputs; a relative one is refused.
    """
    try:
        paths, overrides = _arguments(sys.argv[1:])
        step = importlib.import_module(module)
        config = configs.load(getattr(step, config_class), paths, overrides)
        for field in outputs:
            value = getattr(config, field)
            if value is not None:
                require_absolute(field, value)
        print(json.dumps(step.run(config), default=str))
    except (InputError, OSError) as error:
        said = input_error(error) if isinstance(error, OSError) else error
        print(f"job: {said}", file=sys.stderr)
        sys.exit(2)
    except Finding as finding:
        print(f"job: {finding}", file=sys.stderr)
        sys.exit(1)


def _arguments(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The configuration's paths and the overrides of a job's command line."""
    paths = []
    overrides = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--config":
            path = next(rest, None)
            if path is None:
                raise InputError("--config: give the path of a YAML file after it")
            paths.append(path)
        elif argument.startswith("--config="):
            paths.append(argument.removeprefix("--config="))
        elif argument.startswith("-"):
            raise InputError(f"{argument}: unknown; a job takes --config FILE and name=value")
        else:
            overrides.append(argument)
    return paths, overrides
