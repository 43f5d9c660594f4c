"""What the `thce registry` commands share: their configuration options, and running a step."""

from typing import Any

import typer

CONFIG = typer.Option(None, "--config", "-c", help="YAML file with the step's configuration.")
SET = typer.Option([], "--set", "-s", help="Overrides a field: a.b=value. Repeatable.")
JSON = typer.Option(False, "--json", help="Print the report as JSON.")


def report_of(
    module: str, config: str | None, overrides: list[str], shortcuts: dict[str, Any]
) -> dict[str, Any]:
    """Runs a step of this room.

    Args:
        module: `MODULE:CONFIG_CLASS` within thce.registry.
        config: YAML file, or None.
        overrides: `a.b=value`, in order.
        shortcuts: options of the command line; None where not given.
    """
    from thce.steps import run_step

    name, config_class = module.split(":")
    return run_step(f"thce.registry.{name}", config_class, config, overrides, **shortcuts)
