"""Where things lie: THCE_HOME, outputs, and what a submitted job may be given."""

import os
from pathlib import Path

from thce.errors import InputError


def home() -> Path:
    """THCE_HOME, by default `~/.thce`: weights cache, runs, bundles, the annotation store."""
    return Path(os.environ.get("THCE_HOME") or "~/.thce").expanduser().absolute()


def is_remote(path: str) -> bool:
    """Whether the path is an fsspec URL (`s3://...`) and not a local path."""
    return "://" in path and not path.startswith("file://")


def resolve(path: str) -> str:
    """A local path made absolute against the working directory; an fsspec URL as it is.

    Raises:
        InputError: the path is empty, which would mean the working directory.
    """
    if is_remote(path):
        return path
    if not path.strip():
        raise InputError("a path is empty; give a file, a folder or a URL")
    return str(Path(path.removeprefix("file://")).expanduser().absolute())


def require_absolute(field: str, path: str) -> str:
    """What a submitted job demands of its paths: it runs in a copy of the working directory.

    Raises:
        InputError: the path is relative.
    """
    if is_remote(path) or Path(path).expanduser().is_absolute():
        return path
    raise InputError(
        f"{field}: {path!r} is relative, but a submitted job runs in a copy of the folder; "
        "give an absolute path or an fsspec URL"
    )
