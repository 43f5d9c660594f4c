"""`thce status` beside a Ray that runs: its node, and a job that was submitted."""

import time
from typing import Any

import pytest


@pytest.fixture
def address(ray_session: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dashboard of the session's Ray, named as a user would."""
    from ray._private.worker import get_dashboard_url

    url = f"http://{get_dashboard_url()}"
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", url)
    return url


def _status() -> dict[str, Any]:
    from thce.status.cluster import cluster_status

    found = cluster_status()
    assert found is not None
    return found


def test_the_node_is_shown(address: str) -> None:
    found = _status()
    (node,) = [one for one in found["nodes"] if one["state"] == "ALIVE"]
    assert node["head"] and node["cpus"] == 2
    assert found["address"] == address
    assert isinstance(found["trainings"], list) and isinstance(found["serving"], list)


def test_a_submitted_job_is_shown(address: str) -> None:
    from ray.dashboard.modules.job.sdk import JobSubmissionClient

    client = JobSubmissionClient(address)
    name = _submit(client)
    deadline = time.monotonic() + 120
    while not client.get_job_status(name).is_terminal():
        assert time.monotonic() < deadline, "the job did not end"
        time.sleep(0.5)
    (job,) = [one for one in _status()["jobs"] if one["submission_id"] == name]
    assert (job["status"], job["entrypoint"]) == ("SUCCEEDED", "echo done")


def _submit(client: Any) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            return str(client.submit_job(entrypoint="echo done"))
        except RuntimeError as error:
            if "No available agent" not in str(error):
                raise
            if time.monotonic() > deadline:
                pytest.skip("another Ray on this machine holds the port of the jobs' agent")
            time.sleep(2)
