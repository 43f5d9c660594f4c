"""`thce status` without a cluster: what lies under THCE_HOME, and addresses that do not answer."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from thce.cli import app
from thce.errors import InputError
from thce.files import write_json, write_text
from thce.registry.score_parts import ScoreParts
from thce.status.cluster import cluster_status
from thce.training.runs import claimed_run

ROWS = pa.table({"encounter_id": ["a", "b"], "needs_review": [True, False]})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THCE_HOME", str(tmp_path))
    monkeypatch.delenv("RAY_API_SERVER_ADDRESS", raising=False)
    return tmp_path


def _status() -> dict[str, Any]:
    done = CliRunner().invoke(app, ["status", "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def test_an_empty_home_without_a_cluster(home: Path) -> None:
    assert _status() == {"cluster": None, "home": str(home), "runs": []}
    assert "none named" in CliRunner().invoke(app, ["status"]).stdout


def test_a_home_that_is_not_there_yet(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THCE_HOME", str(home / "none"))
    assert _status()["runs"] == []
    assert not (home / "none").exists()


def test_a_training_is_running_while_it_is_held_and_interrupted_after(home: Path) -> None:
    storage = home / "ray_train"
    with claimed_run(str(storage), "registry-x-1", resume=True):
        (storage / "registry-x-1" / "checkpoint_1").mkdir()
        (running,) = _status()["runs"]
        assert running["state"] == "running"
    (interrupted,) = _status()["runs"]
    assert interrupted["state"] == "interrupted"
    assert interrupted["progress"] == "1 checkpoints kept"
    with claimed_run(str(storage), "registry-x-1", resume=True):
        pass  # to look took the lock for a moment only


def test_a_scoring_is_unfinished_until_it_is_complete(home: Path) -> None:
    parts = ScoreParts.open(
        str(home / "registry" / "scores"), {"model": "m"}, resume=True, keeps_parts=True
    )
    parts.start()
    parts.append(ROWS)
    (found,) = _status()["runs"]
    assert (found["what"], found["state"]) == ("scoring", "unfinished")
    assert found["progress"] == "2 notes scored"
    parts.complete()
    assert [one["state"] for one in _status()["runs"]] == ["complete"]


def test_a_damaged_manifest_is_named_and_the_rest_is_shown(home: Path) -> None:
    for name in ("a", "b"):
        write_text(home / name / "_manifest.json", '{"parts": [')
    assert [one["state"] for one in _status()["runs"]] == ["damaged", "damaged"]


def test_a_loop_waits_for_its_answers(home: Path) -> None:
    loop = home / "registry" / "loop"
    write_text(loop / "loop.yaml", "rounds: 3\n")
    assert [one["state"] for one in _status()["runs"]] == ["unfinished"]
    write_json(loop / "pending.json", {"round": 1})
    (found,) = _status()["runs"]
    assert (found["what"], found["state"]) == ("loop", "waiting")


@pytest.mark.parametrize(
    ("address", "said"),
    [("http://127.0.0.1:9", "does not answer"), ("head:8265", "not the http:// address")],
)
def test_an_address_that_is_no_dashboard_is_one_line(
    monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", address)
    with pytest.raises(InputError, match=said) as raised:
        cluster_status()
    assert "\n" not in str(raised.value)
