"""Source: files of examples, without the ids of a frozen test."""

from collections.abc import Iterable
from pathlib import Path

from thce.coder.examples import Example, read_examples
from thce.errors import InputError

NAME = "examples"
FROZEN = "frozen_test_ids.txt"


def read_ids(path: str | Path) -> frozenset[str]:
    """The ids in a file, one a line.

    Raises:
        InputError: the file cannot be read or names none.
    """
    try:
        ids = frozenset(Path(path).read_text(encoding="utf-8").split())
    except OSError as error:
        raise InputError(f"exclude_ids: {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"exclude_ids: {path}: not UTF-8 text") from None
    if not ids:
        raise InputError(f"exclude_ids: {path}: names no id; give the file of the frozen test")
    return ids


class ExampleFile:
    """The examples of a file that are not frozen, in the file's order."""

    def __init__(self, path: str | Path, exclude_ids: str | Path | None, name: str = NAME) -> None:
        """Reads the file.

        Args:
            path: JSONL of examples.
            exclude_ids: file with the ids of the frozen test, which never leave here; None for a
                file that has none. Where a list of frozen ids lies beside the file it must be
                given.
            name: the source that its rows are marked with.

        Raises:
            InputError: a file cannot be read, no example is left, or frozen ids are not given.
        """
        beside = Path(path).parent / FROZEN
        if exclude_ids is None and beside.exists():
            raise InputError(f"exclude_ids: {path} has a frozen test; give {beside}")
        frozen = read_ids(exclude_ids) if exclude_ids is not None else frozenset[str]()
        try:
            found = list(read_examples(path, name))
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from None
        self._examples = [example for example in found if example.id not in frozen]
        if not self._examples:
            raise InputError(f"{path}: no example is left beside the excluded ids")

    def __len__(self) -> int:
        return len(self._examples)

    def examples(self, places: Iterable[int], stage: int = 3) -> list[Example]:
        """The examples at places from 0 to `len(self)` - 1."""
        return [self._examples[place] for place in places]
