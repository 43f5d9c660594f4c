"""What the `thce annotations` commands share: where the store is.

Commands import the store inside their functions, so that `thce --help` answers at once.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from thce.annotations.defaults import default_store

if TYPE_CHECKING:
    from thce.annotations.store import AnnotationStore

StorePath = Annotated[
    Path | None,
    typer.Option("--store", help="The store's file, else $THCE_HOME/registry/annotations.sqlite."),
]


def open_store(path: Path | None, *, create: bool = False) -> "AnnotationStore":
    """The store named on the command line, or the default one.

    Raises:
        InputError: it is unreadable, or absent and not to be created.
    """
    from thce.annotations.store import AnnotationStore

    return AnnotationStore.open(store_path(path), create=create)


def store_path(path: Path | None) -> Path:
    """Where the store named on the command line lies, or the default one."""
    return path or default_store()
