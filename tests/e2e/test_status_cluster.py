"""`thce status` beside a Ray that runs: its node, a job that was submitted, an unknown token."""

import time

import pytest


@pytest.mark.usefixtures("ray_session")
def test_a_submitted_job_and_its_node_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray._private.worker import get_dashboard_url
    from ray.dashboard.modules.job.sdk import JobSubmissionClient

    from thce.status.cluster import cluster_status

    address = f"http://{get_dashboard_url()}"
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", address)
    client = JobSubmissionClient(address)
    name = client.submit_job(entrypoint="echo done")
    deadline = time.monotonic() + 120
    while not client.get_job_status(name).is_terminal() and time.monotonic() < deadline:
        time.sleep(0.5)
    found = cluster_status()
    assert found is not None
    (node,) = [one for one in found["nodes"] if one["state"] == "ALIVE"]
    assert node["head"] and node["cpus"] == 2
    (job,) = [one for one in found["jobs"] if one["submission_id"] == name]
    assert (job["status"], job["entrypoint"]) == ("SUCCEEDED", "echo done")
    assert found["address"] == address
    assert isinstance(found["trainings"], list) and isinstance(found["serving"], list)
