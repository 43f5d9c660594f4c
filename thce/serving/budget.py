"""Whether what a configuration asks for fits the machines, before anything is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thce.errors import InputError


@dataclass(frozen=True)
class Ask:
    """What one deployment asks for when it is at its largest."""

    deployment: str
    replicas: int
    cpus: float
    gpus: float


def asks_of(config: Mapping[str, Any]) -> list[Ask]:
    """Every deployment of a configuration in Serve's own form.

    Raises:
        InputError: a deployment does not say what it asks for; Serve would give it a whole CPU.
    """
    found = []
    for application in config["applications"]:
        for deployment in application.get("deployments", []):
            name = f"{application['name']}.{deployment['name']}"
            options = deployment.get("ray_actor_options", {})
            if "num_cpus" not in options:
                raise InputError(f"{name}: ray_actor_options.num_cpus: say how much it may take")
            scaling = deployment.get("autoscaling_config")
            replicas = scaling["max_replicas"] if scaling else deployment.get("num_replicas", 1)
            found.append(
                Ask(name, int(replicas), float(options["num_cpus"]), options.get("num_gpus", 0))
            )
    return found


def require_fits(asks: list[Ask], resources: Mapping[str, float]) -> None:
    """Refuses what would wait for ever for a place.

    Args:
        asks: of all deployments.
        resources: of the cluster, by Ray's names.

    Raises:
        InputError: they ask for more than there is.
    """
    for name, asked in (
        ("CPU", sum(one.replicas * one.cpus for one in asks)),
        ("GPU", sum(one.replicas * one.gpus for one in asks)),
    ):
        there = resources.get(name, 0.0)
        if asked > there + 1e-9:
            parts = ", ".join(
                f"{one.deployment} {one.replicas} x {one.cpus if name == 'CPU' else one.gpus:g}"
                for one in asks
            )
            raise InputError(
                f"the deployments ask for {asked:g} {name}s and there are {there:g} ({parts}); "
                "lower num_cpus, num_gpus or replicas, or use another of configs/serve/"
            )
