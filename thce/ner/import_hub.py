"""The import step: a dataset of a hub, or a folder that `datasets` loads -> brat files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thce.config import Config
from thce.errors import InputError
from thce.ner.brat import BratFile, text_at, write_file
from thce.ner.documents import Document, Entity
from thce.notes.outputs import require_replaceable
from thce.paths import resolve


class ImportConfig(Config):
    """Which dataset, and what its columns are called.

    Attributes:
        dataset: its name on the hub, `owner/name`, or a local folder. The only step of this room
            that asks a hub, and only because it is named here.
        output: folder for the brat files.
        split: train, test...
        text_field: column of the text.
        entities_field: column of the mentions: a list of objects.
        start_field: a mention's first character.
        end_field: one past its last.
        type_field: its type.
        id_field: column of the documents' names; None numbers them.
    """

    dataset: str
    output: str
    split: str = "train"
    text_field: str = "full_text"
    entities_field: str = "ner_info"
    start_field: str = "start"
    end_field: str = "end"
    type_field: str = "label"
    id_field: str | None = None


def run(config: ImportConfig) -> dict[str, Any]:
    """Writes one brat file a row.

    Returns:
        Documents and mentions.

    Raises:
        InputError: no hub answers, a column is missing, or a mention does not fit its text; the
            row is named.
    """
    output = Path(resolve(config.output))
    require_replaceable("output", output, ("*.ann", "*.txt"))
    documents = mentions = 0
    for number, row in enumerate(_rows(config)):
        document = _document(row, number, config)
        lines = tuple(range(len(document.entities)))
        write_file(output / f"{document.id}.ann", BratFile(document, (*lines, "")))
        documents += 1
        mentions += len(document.entities)
    if not documents:
        raise InputError(f"{config.dataset}: split {config.split} is empty")
    return {"documents": documents, "mentions": mentions, "output": str(output)}


def _rows(config: ImportConfig) -> Iterator[Mapping[str, Any]]:
    from datasets import load_dataset

    try:
        yield from load_dataset(config.dataset, split=config.split, streaming=True)
    except InputError:
        raise
    except Exception as error:  # what the hub's client raises has no class of its own
        reason = str(error).partition("\n")[0][:200]
        raise InputError(f"{config.dataset}: cannot be read from the hub: {reason}") from None


def _document(row: Mapping[str, Any], number: int, config: ImportConfig) -> Document:
    where = f"{config.dataset}: row {number + 1}"
    wanted = [config.text_field, config.entities_field, *filter(None, [config.id_field])]
    for field in wanted:
        if row.get(field) is None:
            raise InputError(f"{where}: column {field} is missing")
    text = str(row[config.text_field])
    name = f"document-{number + 1:05}" if config.id_field is None else str(row[config.id_field])
    if not name or "/" in name or name.startswith("."):
        raise InputError(f"{where}: {config.id_field}: not a name that a file can have")
    entities = tuple(
        _entity(one, place, text, where, config)
        for place, one in enumerate(row[config.entities_field], start=1)
    )
    return Document(name, text, entities)


def _entity(
    mention: Mapping[str, Any], place: int, text: str, where: str, config: ImportConfig
) -> Entity:
    try:
        start, end = int(mention[config.start_field]), int(mention[config.end_field])
        kind = "_".join(str(mention[config.type_field]).split())
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{where}: mention {place} has not start, end and type") from None
    if not 0 <= start < end <= len(text) or not kind:
        raise InputError(
            f"{where}: mention {place}: {start} {end} does not lie in a text of "
            f"{len(text)} characters, or it has no type"
        )
    spans = ((start, end),)
    return Entity(f"T{place}", kind, spans, text_at(text, spans))
