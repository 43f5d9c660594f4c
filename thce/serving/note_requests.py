"""The notes of a request: one object or a list of them, as the files of the platform have them."""

import json
from typing import Any

import pyarrow as pa

from thce.notes.rows import ID_FIELDS, TEXT_FIELDS, BadRowError, Note, parse_row, to_table
from thce.registry.labels import FLAG_NAMES
from thce.serving.config import Safety
from thce.serving.problems import ProblemError, field_name

FIELDS = (*TEXT_FIELDS, *ID_FIELDS, "cpt_codes", "structured")
Steps = tuple[int | str, ...]


def read_notes(body: Any, safety: Safety, others: tuple[str, ...] = ()) -> list[Note]:
    """The notes of a body: one note, a list of notes, or an object with the list under `notes`.

    Args:
        body: parsed JSON.
        safety: how many notes, and how long, are accepted.
        others: names that a note may have besides those of every note.

    Raises:
        ProblemError: 422, naming the field.
    """
    rows, steps = _rows(body)
    if not rows:
        raise ProblemError(422, "no note in it", field_name(steps) or "body")
    if len(rows) > safety.notes:
        raise ProblemError(422, f"more than {safety.notes} notes", field_name(steps) or "body")
    single = isinstance(body, dict) and "notes" not in body
    notes = [
        _note(row, () if single else (*steps, position), safety, others)
        for position, row in enumerate(rows)
    ]
    seen: dict[str, int] = {}
    for position, note in enumerate(notes):
        if note.encounter_id in seen:
            where = field_name((*steps, position))
            earlier = field_name((*steps, seen[note.encounter_id]))
            raise ProblemError(422, f"the same encounter as {earlier}", where)
        seen[note.encounter_id] = position
    return notes


def table_of(notes: list[Note]) -> pa.Table:
    """The columns of the read step."""
    return to_table(notes)


def _rows(body: Any) -> tuple[list[Any], Steps]:
    if isinstance(body, list):
        return body, ()
    if not isinstance(body, dict):
        raise ProblemError(422, "send a note, or a list of notes", "body")
    if "notes" not in body:
        return [body], ()
    if not isinstance(body["notes"], list):
        raise ProblemError(422, "expected a list of notes", "notes")
    return body["notes"], ("notes",)


def _note(row: Any, steps: Steps, safety: Safety, others: tuple[str, ...]) -> Note:
    if not isinstance(row, dict):
        raise ProblemError(422, "expected a note, an object", field_name(steps) or "body")
    for name in row:
        if name not in FIELDS and name not in others:
            raise ProblemError(422, "unknown field", field_name((*steps, name)))
    try:
        note = parse_row({name: value for name, value in row.items() if name not in others})
    except BadRowError as error:
        field, colon, reason = str(error).partition(": ")
        if colon and field in FIELDS:
            raise ProblemError(422, reason, field_name((*steps, field))) from None
        raise ProblemError(422, str(error), field_name(steps) or "body") from None
    if len(note.note_text) > safety.note_characters:
        field = next(name for name in TEXT_FIELDS if row.get(name) == note.note_text)
        where = field_name((*steps, field))
        raise ProblemError(422, f"longer than {safety.note_characters} characters", where)
    _require_flags(note, steps)
    return note


def _require_flags(note: Note, steps: Steps) -> None:
    for name in json.loads(note.structured or "{}"):
        if name not in FLAG_NAMES:
            raise ProblemError(422, "no flag of the registry", field_name((*steps, "structured")))
