"""A run's folder goes on with what began it, and with nothing else."""

from pathlib import Path

import pytest

from thce.config import Config
from thce.errors import InputError
from thce.files import write_json
from thce.registry.run_folder import claim, require_same


class Given(Config):
    """A configuration."""

    seed: int = 1


def test_a_new_folder_is_taken_and_only_the_same_configuration_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "new" / "run.yaml"
    claim(file, Given())
    claim(file, Given())
    with pytest.raises(InputError, match=r"another configuration .* in its run\.yaml"):
        claim(file, Given(seed=2))
    assert file.read_text(encoding="utf-8") == "seed: 1\n"


def test_what_changed_is_named_and_an_unknown_past_is_not_the_same(tmp_path: Path) -> None:
    record = tmp_path / "made_with.json"
    with pytest.raises(InputError, match="begun with another notes, thce;"):
        require_same(record, {"notes": ["a"], "thce": "1"})
    write_json(record, {"notes": ["a", "b"], "thce": "1"})
    require_same(record, {"notes": ["a", "b"], "thce": "1"})
    with pytest.raises(InputError, match="begun with another notes;"):
        require_same(record, {"notes": ["b", "a"], "thce": "1"})
    with pytest.raises(InputError, match="begun with another thce;"):
        require_same(record, {"notes": ["a", "b"], "thce": "2"})
