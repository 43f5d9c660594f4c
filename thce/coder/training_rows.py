"""The rows that a stage learns from: Parquet or JSON lines in TRL's conversational formats."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from thce.coder.chat import Message
from thce.errors import InputError
from thce.files import read_jsonl

COLUMNS = {
    1: ("messages",),
    2: ("messages",),
    3: ("prompt", "chosen", "rejected"),
}
LAST_ROLE = {"messages": "assistant", "prompt": "user", "chosen": "assistant"}
LAST_ROLE["rejected"] = "assistant"

Row = dict[str, list[Message]]


def data_files(data: str) -> list[Path]:
    """The files of a stage's data: the one named, or all of a folder, by name.

    Raises:
        InputError: there are none.
    """
    path = Path(data)
    found = [path] if path.is_file() else []
    for suffix in ("parquet", "jsonl"):
        found += sorted(path.rglob(f"*.{suffix}"))
    if not found:
        raise InputError(f"data: {data}: no Parquet or JSONL file there; see docs/data.md")
    return found


def read_rows(data: str, stage: int) -> list[Row]:
    """All rows of a stage, only the columns that are learnt from.

    Raises:
        InputError: a row lacks a column of the stage, or a message is not one; names file and row.
    """
    rows = [row for file in data_files(data) for row in _read(file, stage)]
    if not rows:
        raise InputError(f"data: {data}: no rows")
    return rows


def _read(file: Path, stage: int) -> Iterator[Row]:
    if file.suffix == ".jsonl":
        found: list[dict[str, Any]] = read_jsonl(file)
    else:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            table = parquet.read_table(file, columns=list(COLUMNS[stage]))
        except (pa.ArrowException, OSError) as error:
            reason = str(error).partition("\n")[0]
            raise InputError(
                f"{file}: not Parquet with the columns of stage {stage}: {reason}"
            ) from None
        found = table.to_pylist()
    for number, row in enumerate(found, start=1):
        yield {
            column: _messages(row, column, f"{file}:{number}", stage) for column in COLUMNS[stage]
        }


def _messages(row: dict[str, Any], column: str, where: str, stage: int) -> list[Message]:
    messages = row.get(column)
    if not isinstance(messages, list) or not messages:
        raise InputError(f"{where}: {column}: a list of messages is needed in stage {stage}")
    for message in messages:
        if (
            not isinstance(message, dict)
            or message.get("role") not in ("system", "user", "assistant")
            or not isinstance(message.get("content"), str)
        ):
            raise InputError(f"{where}: {column}: a message needs a role and text as its content")
    if messages[-1]["role"] != LAST_ROLE[column]:
        raise InputError(f"{where}: {column}: the last message is not the {LAST_ROLE[column]}'s")
    if column in ("chosen", "rejected") and len(messages) != 1:
        raise InputError(f"{where}: {column}: one message of the assistant is needed")
    return messages
