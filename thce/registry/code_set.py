"""Which tables and rules a bundle's deterministic side was built with."""

import hashlib
from importlib.resources import files


def code_versions() -> dict[str, str]:
    """Table name -> version, where a version is a short hash of the table's content.

    A bundle built under other tables was fused with other signals, and says so.
    """
    folder = files("thce.registry").joinpath("data")
    return {
        entry.name.rpartition(".")[0]: hashlib.sha256(entry.read_bytes()).hexdigest()[:12]
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.is_file() and entry.name.endswith((".yaml", ".csv", ".json"))
    }
