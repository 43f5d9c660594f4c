"""Which run a command means: named by what it depends on, held by one process, never blocked."""

import json
from pathlib import Path

import pytest

from thce.errors import InputError
from thce.registry.train import TrainConfig
from thce.registry.train_inputs import first_weights, starting_point
from thce.training.runs import SNAPSHOT_FILE, claimed_run, finished_run, forget_run, run_name


def test_the_same_command_means_the_same_run_and_any_other_another(tmp_path: Path) -> None:
    output = tmp_path / "out"
    given = {"config": {"epochs": 3}, "data": "f" * 64}
    name = run_name("registry", output, given)
    assert name.startswith("registry-out-")
    assert run_name("registry", output, dict(reversed(given.items()))) == name
    others = [
        run_name("registry", output, given | {"data": "e" * 64}),
        run_name("registry", output, given | {"config": {"epochs": 4}}),
        run_name("registry", tmp_path / "other" / "out", given),
    ]
    assert len({name, *others}) == 4


def test_weights_that_changed_mean_another_run_and_absent_ones_are_refused(tmp_path: Path) -> None:
    model = tmp_path / "trained" / "model"
    model.mkdir(parents=True)
    with pytest.raises(InputError, match=r"init_from: .*trained: no model/model\.safetensors"):
        first_weights("minilm", str(tmp_path / "trained"))
    (model / "model.safetensors").write_bytes(b"one")
    before = first_weights("minilm", str(tmp_path / "trained"))
    (model / "model.safetensors").write_bytes(b"two")
    assert first_weights("minilm", str(tmp_path / "trained")) != before


def test_a_relative_start_holds_in_the_folder_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "trained").mkdir()
    monkeypatch.chdir(tmp_path)
    begun = TrainConfig(dataset="d", output="o", init_from="trained")
    assert starting_point(begun) == {"init_from": str(tmp_path / "trained")}
    fresh = TrainConfig(dataset="d", output="o", model_name="trained")
    assert starting_point(fresh) == {"model_name": str(tmp_path / "trained")}
    assert starting_point(TrainConfig(dataset="d", output="o")) == {}


def test_a_run_on_remote_storage_is_not_started_over_in_silence() -> None:
    with claimed_run("memory://runs", "run", resume=True):
        pass
    with (
        pytest.raises(InputError, match="remove memory://runs/run"),
        claimed_run("memory://runs", "run", resume=False),
    ):
        pass


def test_a_run_is_held_by_one_process(tmp_path: Path) -> None:
    with claimed_run(str(tmp_path), "run", resume=True):
        with (
            pytest.raises(InputError, match="another process is at work"),
            claimed_run(str(tmp_path), "run", resume=True),
        ):
            pass
        with claimed_run(str(tmp_path), "other", resume=True):
            pass
    with claimed_run(str(tmp_path), "run", resume=True):
        pass
    forget_run(str(tmp_path), "run")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize(
    "content", ["", '{"checkpoint_results": [', "[]", '{"checkpoint_results": [{}]}']
)
def test_a_list_of_checkpoints_that_was_cut_off_does_not_block_the_run(
    tmp_path: Path, content: str
) -> None:
    checkpoint = tmp_path / "run" / "checkpoint_1"
    checkpoint.mkdir(parents=True)
    snapshot = tmp_path / "run" / SNAPSHOT_FILE
    whole = json.dumps({"checkpoint_results": [{"checkpoint_dir_name": checkpoint.name}]})
    snapshot.write_text(whole)
    with claimed_run(str(tmp_path), "run", resume=True):
        assert snapshot.read_text() == whole
    snapshot.write_text(content)
    with claimed_run(str(tmp_path), "run", resume=True):
        assert not snapshot.exists()
        assert checkpoint.is_dir()
    snapshot.write_text(whole)
    checkpoint.rmdir()
    with claimed_run(str(tmp_path), "run", resume=True):
        assert not snapshot.exists(), "Ray refuses a list of checkpoints that are gone"


def test_starting_over_removes_what_an_interrupted_run_left(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoint_1").mkdir(parents=True)
    with claimed_run(str(tmp_path), "run", resume=False):
        assert not (tmp_path / "run" / "checkpoint_1").exists()


def test_an_output_without_a_training_belongs_to_no_run(tmp_path: Path) -> None:
    assert finished_run(tmp_path) is None
    (tmp_path / "training.json").write_text('{"epochs": 3}')
    assert finished_run(tmp_path) is None
    (tmp_path / "training.json").write_text('{"run": "registry-out-1"}')
    assert finished_run(tmp_path) == "registry-out-1"
