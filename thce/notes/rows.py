"""One input row -> one note, or the reason why not. Knows nothing of files."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from thce.notes.identity import encounter_id
from thce.notes.limits import MAX_ID_CHARACTERS, MAX_TEXT_CHARACTERS

TEXT_FIELDS = ("note_text", "text", "note", "narrative")
ID_FIELDS = ("encounter_id", "id")
OTHER_FIELDS = ("cpt_codes", "structured", "accept", "uncertain")
FIELDS = (*TEXT_FIELDS, *ID_FIELDS, *OTHER_FIELDS)

READ_SCHEMA = pa.schema(
    [
        ("encounter_id", pa.string()),
        ("note_text", pa.string()),
        ("cpt_codes", pa.list_(pa.string())),
        ("structured", pa.string()),
        ("accept", pa.list_(pa.string())),
        ("uncertain", pa.list_(pa.string())),
    ]
)
"""What reading gives: the `read` row of the tables in docs/architecture.md."""

_DELIMITERS = re.compile(r"[,;|\s]+")


class BadRowError(ValueError):
    """Why a row is no note. The message goes to the quarantine file: it holds no note text."""


@dataclass(frozen=True, slots=True)
class Note:
    """One read row; fields as in `READ_SCHEMA`."""

    encounter_id: str
    note_text: str
    cpt_codes: list[str]
    structured: str | None
    accept: list[str] | None
    uncertain: list[str] | None


def parse_row(values: Mapping[str, Any]) -> Note:
    """The note that a row holds.

    The text is the first of `note_text`, `text`, `note`, `narrative` that is present and not
    blank; the id is `encounter_id`, else `id`, kept as given, else made from the text. Lists may
    come as JSON arrays, or as text split on commas, semicolons, bars and blanks. Missing, null
    and empty text mean "not stated"; an empty list is stated (`[]` in CSV).

    Raises:
        BadRowError: the row holds no note; the reason names the field.
    """
    text = _text(values)
    given = _given_id(values)
    codes = _names("cpt_codes", values.get("cpt_codes"), numbers=True)
    note = Note(
        encounter_id=given if given is not None else encounter_id(text),
        note_text=text,
        cpt_codes=codes or [],
        structured=_structured(values.get("structured")),
        accept=_names("accept", values.get("accept")),
        uncertain=_names("uncertain", values.get("uncertain")),
    )
    for names in (note.cpt_codes, note.accept or (), note.uncertain or ()):
        if not all(map(_is_unicode, names)):
            raise BadRowError("a list holds text that is not Unicode")
    return note


def to_table(notes: Sequence[Note]) -> pa.Table:
    """Notes as a table of `READ_SCHEMA`."""
    columns = [[getattr(note, name) for note in notes] for name in READ_SCHEMA.names]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, READ_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=READ_SCHEMA)


def _text(values: Mapping[str, Any]) -> str:
    present = False
    for field in TEXT_FIELDS:
        text = values.get(field)
        if text is None:
            continue
        if not isinstance(text, str):
            raise BadRowError(f"{field}: expected text, found {_kind(text)}")
        present = True
        if text.strip():
            return _checked_text(field, text)
    if present:
        raise BadRowError("the text is empty")
    raise BadRowError(f"no text: give one of {', '.join(TEXT_FIELDS)}")


def _checked_text(field: str, text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadRowError(f"{field}: longer than {MAX_TEXT_CHARACTERS} characters")
    if "\x00" in text:
        raise BadRowError(f"{field}: holds a NUL character")
    if not _is_unicode(text):
        raise BadRowError(f"{field}: not UTF-8, or holds a lone surrogate")
    return text


def _given_id(values: Mapping[str, Any]) -> str | None:
    for field in ID_FIELDS:
        value = values.get(field)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            raise BadRowError(f"{field}: expected text, found {_kind(value)}; quote it")
        if not value.strip() or not value.isprintable() or not _is_unicode(value):
            raise BadRowError(f"{field}: blank, or holds characters that cannot be printed")
        if len(value) > MAX_ID_CHARACTERS:
            raise BadRowError(f"{field}: longer than {MAX_ID_CHARACTERS} characters")
        return value
    return None


def _names(field: str, value: Any, numbers: bool = False) -> list[str] | None:
    """A list of names; None if it is not stated."""
    if isinstance(value, str):
        stripped = value.strip()
        value = _json(field, stripped) if stripped.startswith("[") else stripped
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return [name for name in _DELIMITERS.split(value) if name]
    if numbers and isinstance(value, int) and not isinstance(value, bool):
        value = [value]
    if not isinstance(value, list):
        raise BadRowError(f"{field}: expected a list, found {_kind(value)}")
    return [_name(field, item, numbers) for item in value]


def _name(field: str, item: Any, numbers: bool) -> str:
    if numbers and isinstance(item, int) and not isinstance(item, bool):
        return str(item)
    if not isinstance(item, str) or not item.strip():
        raise BadRowError(f"{field}: expected a list of names, found {_kind(item)} in it")
    return item.strip()


def _structured(value: Any) -> str | None:
    """The form as a JSON object with sorted names; fields left null are not stated."""
    if isinstance(value, str):
        value = _json("structured", value) if value.strip() else None
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(item, tuple) for item in value):
        value = dict(value)  # how pyarrow gives a map
    if not isinstance(value, dict):
        raise BadRowError(f"structured: expected an object, found {_kind(value)}")
    stated = {name: flag for name, flag in value.items() if flag is not None}
    if not all(isinstance(flag, bool) for flag in stated.values()):
        raise BadRowError("structured: every value must be true or false")
    return json.dumps(stated, sort_keys=True)


def _json(field: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise BadRowError(f"{field}: not valid JSON") from None


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a truth value"
    names = {int: "a number", float: "a number", list: "a list", dict: "an object", str: "text"}
    return "null" if value is None else names.get(type(value), "another type")
