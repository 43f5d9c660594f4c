"""A run's folder goes on with what began it, and with nothing else."""

from pathlib import Path

import pytest

from thce.config import Config
from thce.errors import InputError
from thce.registry.run_folder import claim


class Given(Config):
    """A configuration."""

    seed: int = 1


def begin(folder: Path, seed: int = 1, **made_with: object) -> None:
    claim(folder / "run.yaml", Given(seed=seed), made_with=(folder / "made_with.json", made_with))


def test_a_new_folder_is_taken_and_the_same_command_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    begin(folder, notes=["a", "b"], thce="1")
    begin(folder, notes=["a", "b"], thce="1")
    assert (folder / "run.yaml").read_text(encoding="utf-8") == "seed: 1\n"


def test_another_configuration_other_notes_or_another_version_are_refused(tmp_path: Path) -> None:
    begin(tmp_path, notes=["a", "b"], thce="1")
    with pytest.raises(InputError, match=r"another configuration .* in its run\.yaml"):
        begin(tmp_path, seed=2, notes=["a", "b"], thce="1")
    with pytest.raises(InputError, match="begun with another notes;"):
        begin(tmp_path, notes=["b", "a"], thce="1")
    with pytest.raises(InputError, match="begun with another notes, thce;"):
        begin(tmp_path, notes=["a"], thce="2")
    begin(tmp_path, notes=["a", "b"], thce="1")


def test_a_folder_that_does_not_say_what_it_was_made_with_is_refused(tmp_path: Path) -> None:
    claim(tmp_path / "run.yaml", Given())
    with pytest.raises(InputError, match="begun with another notes"):
        begin(tmp_path, notes=["a"])


def test_a_command_killed_before_it_had_the_folder_may_be_another_the_next_time(
    tmp_path: Path,
) -> None:
    begin(tmp_path, notes=["a"])
    (tmp_path / "run.yaml").unlink()
    begin(tmp_path, seed=2, notes=["b"])
    begin(tmp_path, seed=2, notes=["b"])
