"""The one function that makes the text every model sees: in training, scoring and serving."""

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from thce.notes.deidentify import deidentify
from thce.notes.normalize import normalize


@dataclass(frozen=True)
class Prepared:
    """A prepared text and how many identifiers of each kind were replaced in it."""

    text: str
    counts: Counter[str]


def prepare(text: str) -> Prepared:
    """Normalizes and de-identifies a note.

    What is prepared is prepared already: replacing goes on until nothing is found (mostly at the
    second look), and normalizing a plain text changes nothing. It ends because every replacement
    turns letters or digits into a placeholder, and nothing adds any.
    """
    text = normalize(text)
    counts: Counter[str] = Counter()
    while True:
        replaced, found = deidentify(text)
        if not found:
            return Prepared(text, counts)
        counts += found
        text = normalize(replaced)


def prepare_table(table: pa.Table) -> tuple[pa.Table, Counter[str]]:
    """Prepares the notes of a read table.

    Args:
        table: the columns of the `read` step, `note_text` among them.

    Returns:
        The table with `text` in the place of `note_text`, and the identifiers replaced in all of
        it, by kind.
    """
    notes = [prepare(note) for note in table.column("note_text").to_pylist()]
    counts: Counter[str] = sum((note.counts for note in notes), Counter())
    position = table.schema.get_field_index("note_text")
    texts = pa.array([note.text for note in notes], pa.string())
    return table.set_column(position, "text", texts), counts
