"""Which run a command means: named by what it depends on, held by one process, never blocked."""

import json
from pathlib import Path

import pytest

from thce.errors import InputError
from thce.registry.train import TrainConfig, _depends_on
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


def test_whether_to_resume_does_not_rename_a_run_and_other_weights_do(
    tmp_path: Path, registry_data: Path
) -> None:
    from small_training import write_dataset

    dataset = write_dataset(tmp_path, registry_data)
    base = tmp_path / "base"
    base.mkdir()
    (base / "model.safetensors").write_bytes(b"one")

    def depends(**fields: object) -> dict[str, object]:
        values = {"dataset": dataset, "output": "out", "model_name": str(base)} | fields
        return _depends_on(TrainConfig.model_validate(values), "ddp")

    first = depends()
    assert depends(resume=False) == first
    assert depends(seed=1) != first
    (base / "model.safetensors").write_bytes(b"two")
    assert depends() != first


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
