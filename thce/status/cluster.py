"""What runs on a Ray cluster, asked of its dashboard: nothing is started, no cluster is joined."""

import os
from typing import Any

from thce.errors import InputError

ADDRESS = "RAY_API_SERVER_ADDRESS"


def cluster_status() -> dict[str, Any] | None:
    """Nodes, jobs, trainings and served applications of the cluster of `ray job submit`.

    Returns:
        None where RAY_API_SERVER_ADDRESS names no cluster.

    Raises:
        InputError: the address is no URL, nobody answers there, or the token is refused.
    """
    address = os.environ.get("RAY_API_SERVER_ADDRESS")
    if not address:
        return None
    if not address.startswith(("http://", "https://")):
        raise InputError(f"{ADDRESS}: {address!r} is not the http:// address of a dashboard")
    from ray.exceptions import AuthenticationError

    try:
        return {"address": address} | _ask(address.rstrip("/"))
    except AuthenticationError:
        raise InputError(
            f"{ADDRESS}: {address} refuses the token; set RAY_AUTH_MODE=token and put the "
            "cluster's token into ~/.ray/auth_token"
        ) from None
    except OSError:  # what requests raises, whatever went wrong
        raise InputError(
            f"{ADDRESS}: {address} does not answer as a Ray dashboard; is the cluster running?"
        ) from None


def _ask(address: str) -> dict[str, Any]:
    # The one client of Ray's that brings the token along and takes any path.
    from ray.dashboard.modules.dashboard_sdk import SubmissionClient

    client = SubmissionClient(address)

    def get(path: str, otherwise: dict[int, Any] | None = None) -> Any:
        response = client._do_request("GET", path, timeout=30)
        if otherwise and response.status_code in otherwise:
            return otherwise[response.status_code]
        response.raise_for_status()
        return response.json()

    # Ray answers 500 until a training has begun on the cluster.
    trainings = get("/api/train/v2/runs", otherwise={500: {"train_runs": []}})
    nodes = get("/api/v0/nodes")["data"]["result"]["result"]
    served = get("/api/serve/applications/").get("applications") or {}
    return {
        "nodes": [_node(node) for node in nodes],
        "jobs": [_job(job) for job in get("/api/jobs/") if job["type"] == "SUBMISSION"],
        "trainings": [_training(run) for run in trainings["train_runs"]],
        "serving": [_application(name, one) for name, one in served.items()],
    }


def _node(node: dict[str, Any]) -> dict[str, Any]:
    total = node.get("resources_total") or {}
    return {
        "address": node["node_ip"],
        "head": node["is_head_node"],
        "state": node["state"],
        "cpus": total.get("CPU", 0),
        "gpus": total.get("GPU", 0),
    }


def _job(job: dict[str, Any]) -> dict[str, Any]:
    fields = ("submission_id", "status", "entrypoint", "start_time", "end_time")
    return {name: job.get(name) for name in fields}


def _training(run: dict[str, Any]) -> dict[str, Any]:
    attempts = run.get("attempts") or [{}]
    workers = attempts[-1].get("workers") or []
    return {
        "name": run["name"],
        "status": run["status"],
        "attempts": len(run.get("attempts") or []),
        "workers": [worker.get("node_ip") for worker in workers],
    }


def _application(name: str, found: dict[str, Any]) -> dict[str, Any]:
    deployments = {
        deployment: [one.get("node_ip") for one in parts.get("replicas") or []]
        for deployment, parts in (found.get("deployments") or {}).items()
    }
    return {
        "name": name,
        "status": found["status"],
        "route": found.get("route_prefix"),
        "replicas": deployments,
    }
