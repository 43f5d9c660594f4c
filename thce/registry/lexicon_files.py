"""Reading the YAML tables that the keyword rules are written in (package data)."""

from functools import cache
from importlib.resources import files
from typing import Any

import yaml


@cache
def read_lexicon_file(name: str) -> Any:
    """The parsed content of one table under `thce/registry/data`."""
    return yaml.safe_load((files("thce.registry") / "data" / name).read_text(encoding="utf-8"))
