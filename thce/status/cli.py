"""`thce status`."""

from typing import Any

from thce.command_options import AsJson, show


def status(as_json: AsJson = False) -> None:
    """Says what runs where: the cluster of RAY_API_SERVER_ADDRESS, and runs under THCE_HOME."""
    from thce.paths import home
    from thce.status.cluster import cluster_status
    from thce.status.local_runs import local_runs

    report = {"cluster": cluster_status(), "home": str(home()), "runs": local_runs()}
    show(report, as_json, _print)


def _print(found: dict[str, Any]) -> None:
    cluster = found["cluster"]
    if cluster is None:
        print("cluster: none named (RAY_API_SERVER_ADDRESS is not set)")
    else:
        alive = [node for node in cluster["nodes"] if node["state"] == "ALIVE"]
        cpus, gpus = (sum(node[kind] for node in alive) for kind in ("cpus", "gpus"))
        print(f"cluster: {cluster['address']}, {len(alive)} nodes, {cpus:g} CPUs, {gpus:g} GPUs")
        for node in cluster["nodes"]:
            role = "head" if node["head"] else "worker"
            print(f"  {node['state'].lower():9} {role} {node['address']}, {node['cpus']:g} CPUs")
        for job in cluster["jobs"]:
            print(f"  job {job['status'].lower():9} {job['submission_id']}: {job['entrypoint']}")
        for run in cluster["trainings"]:
            where = ", ".join(filter(None, run["workers"])) or "no worker"
            print(f"  training {run['status'].lower()} {run['name']} on {where}")
        for application in cluster["serving"]:
            print(f"  serving {application['status'].lower()} {application['name']}")
            for name, nodes in application["replicas"].items():
                print(f"    {name}: {len(nodes)} on {', '.join(sorted(set(filter(None, nodes))))}")
    print(f"runs under {found['home']}: {len(found['runs']) or 'none'}")
    for run in found["runs"]:
        print(f"  {run['what']} {run['state']}, {run['progress']}: {run['where']}")
