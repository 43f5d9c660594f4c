"""Defaults that the command line shows without loading the store."""

from pathlib import Path

from thce.paths import home

HOLD_SECONDS = 24 * 3600.0
"""How long an exported batch is held: a day's work at the Prodigy window."""

UNNAMED = "unnamed"
"""The annotator of answers given without a session name."""


def default_store() -> Path:
    """Where the store lies unless a command is told otherwise."""
    return home() / "registry" / "annotations.sqlite"
