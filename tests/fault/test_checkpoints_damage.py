"""A damaged checkpoint is named and the one before it is used; the losses are the same."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_loop import doubling_trainer, losses, run_until_killed

from thce.training.checkpoints import damaged_file, seal
from thce.training.loop import Trainer

EPOCHS = 5


def trainer(folder: Path) -> Trainer:
    """With dropout, so that a resumed run must draw what it would have drawn."""
    return doubling_trainer(folder, dropout=0.5, epochs=EPOCHS, micro=4)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    undisturbed = trainer(tmp_path_factory.mktemp("undisturbed"))
    undisturbed.run()
    return losses(undisturbed)


@pytest.mark.parametrize("file", ["replica.pt", "best.safetensors", "progress.json"])
@pytest.mark.parametrize("damage", [truncate, flip, Path.unlink])
def test_newest_damaged_so_the_one_before_is_used_and_the_file_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    expected: list[float],
    file: str,
    damage: Callable[[Path], object],
) -> None:
    run_until_killed(trainer(tmp_path), epoch=3)
    kept = sorted(tmp_path.iterdir())
    assert [path.name for path in kept] == ["checkpoint_00002", "checkpoint_00003"]
    damage(kept[-1] / file)
    resumed = trainer(tmp_path)
    with resumed.reporter.resume_folder() as folder:
        assert folder == kept[0]
    said = capsys.readouterr().err
    assert f"checkpoint_00003/{file}: absent or not as it was written" in said
    resumed.run()
    assert losses(resumed) == pytest.approx(expected, abs=1e-6)


def test_dropout_after_a_resume_is_what_it_would_have_been(
    tmp_path: Path, expected: list[float]
) -> None:
    run_until_killed(trainer(tmp_path), epoch=2)
    torch.rand(1000)  # another process has drawn other numbers before
    resumed = trainer(tmp_path)
    resumed.run()
    assert losses(resumed) == pytest.approx(expected, abs=1e-6)


def test_nothing_whole_is_left_so_training_starts_over_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], expected: list[float]
) -> None:
    run_until_killed(trainer(tmp_path), epoch=2)
    for path in tmp_path.iterdir():
        truncate(path / "replica.pt")
    again = trainer(tmp_path)
    again.run()
    assert "no whole checkpoint is left; starting over" in capsys.readouterr().err
    assert losses(again) == pytest.approx(expected, abs=1e-6)


def test_a_checkpoint_is_whole_only_with_the_files_of_every_worker(tmp_path: Path) -> None:
    for rank in (0, 1):
        part = tmp_path / f"worker-{rank}"
        part.mkdir()
        (part / f"shard-{rank}.pt").write_bytes(b"weights" * (rank + 1))
        seal(part, rank, 2)
    both = tmp_path / "both"
    shutil.copytree(tmp_path / "worker-0", both)
    assert damaged_file(both) == "sealed-1.json", "the second worker was killed before its upload"
    shutil.copytree(tmp_path / "worker-1", both, dirs_exist_ok=True)
    assert damaged_file(both) is None
    truncate(both / "shard-1.pt")
    assert damaged_file(both) == "shard-1.pt"
    truncate(both / "sealed-0.json")
    assert damaged_file(both) == "sealed-0.json"
