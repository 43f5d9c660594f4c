"""Prodigy's choice interface, both ways: tasks as JSON lines, and answers as db-out writes them.

A task has `text`, `options`, `accept` (the boxes ticked beforehand), `meta` and `config`; Prodigy
adds its own hashes. An answered task comes back with `answer` (accept, reject or ignore), with the
annotator's boxes in `accept`, and with `_annotator_id` and `_timestamp`. See
https://prodi.gy/docs/api-interfaces#choice. Answers find their task by `meta.encounter_id` and
`meta.batch`, which travel through Prodigy unchanged.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thce.annotations.answers import Verdict, require_offered
from thce.annotations.defaults import HOLD_SECONDS as HOLD_SECONDS
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import Task
from thce.errors import InputError
from thce.files import write_jsonl
from thce.registry.labels import Flag, parse_flag

_ANSWERS = (Verdict.ACCEPT, Verdict.REJECT, Verdict.IGNORE)
# Without ?session=name in the address Prodigy names the annotator after the time it was started.
_UNNAMED_SESSION = re.compile(r"\d{4}-\d{2}-\d{2}_\d{2}-\d{2}-\d{2}")
_ID_LENGTH = 200
_LATEST = 1e11  # milliseconds since 1970 are beyond it


@dataclass(frozen=True)
class ProdigyAnswer:
    """One answered row of a Prodigy dataset.

    Attributes:
        encounter_id: the note.
        batch: the batch, or None for a task that another program made.
        annotator: the named session, or None where Prodigy was used without names.
        verdict: accept, reject or ignore.
        options: the flags the annotator saw; None where the row does not say.
        accept: those ticked when the task was answered.
        answered_at: UTC seconds, None in files of Prodigy before 1.11.
        text: the note as the annotator read it.
    """

    encounter_id: str
    batch: str | None
    annotator: str | None
    verdict: Verdict
    options: tuple[Flag, ...] | None
    accept: tuple[Flag, ...]
    answered_at: float | None
    text: str


def export_tasks(
    store: AnnotationStore, batch: str, path: str | Path, *, hold_seconds: float = HOLD_SECONDS
) -> int:
    """Writes the tasks of a batch as a file for `prodigy mark ... --view-id choice`.

    The batch is held from then on, so that its notes are not handed out twice.

    Returns:
        The number of tasks.

    Raises:
        InputError: there is no such batch, or the file cannot be written.
    """
    tasks = store.tasks(batch)
    try:
        count = write_jsonl(path, (task_row(task) for task in tasks))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a path you may write") from None
    store.hold(batch, hold_seconds)
    return count


def task_row(task: Task) -> dict[str, Any]:
    """A task as Prodigy reads it; as it shows `meta`, that of a blind task holds ids only."""
    identity = {"encounter_id": task.encounter_id, "batch": task.batch}
    return {
        "text": task.text,
        "options": [{"id": flag.value, "text": flag.detail.title} for flag in task.options],
        "accept": [flag.value for flag in task.ticked],
        "meta": identity if task.blind else task.meta | identity,
        "config": {"choice_style": "multiple"},
    }


def parse_answer(row: dict[str, Any]) -> ProdigyAnswer:
    """Reads one row of `prodigy db-out`.

    Raises:
        InputError: it is not an answered choice task about a note; the message names the field
            and quotes nothing of the note.
    """
    verdict = _verdict(row)
    meta = row.get("meta")
    fields = meta if isinstance(meta, dict) else {}
    options = _flags(row, "options") if "options" in row else None
    accept = _accepted(row, verdict)
    if options is not None:
        require_offered(options, accept)
    encounter_id = fields.get("encounter_id", row.get("encounter_id"))
    batch = fields.get("batch")
    return ProdigyAnswer(
        encounter_id=_name("meta.encounter_id", encounter_id),
        batch=None if batch is None else _name("meta.batch", batch),
        annotator=_annotator(row),
        verdict=verdict,
        options=options,
        accept=accept,
        answered_at=_timestamp(row),
        text=_text(row),
    )


def _verdict(row: dict[str, Any]) -> Verdict:
    if "answer" not in row:
        raise InputError("answer: missing, so `accept` is the prefill and nobody's answer")
    if row["answer"] not in [verdict.value for verdict in _ANSWERS]:
        raise InputError("answer: must be accept, reject or ignore")
    return Verdict(row["answer"])


def _accepted(row: dict[str, Any], verdict: Verdict) -> tuple[Flag, ...]:
    if "accept" in row:
        return _flags(row, "accept")
    if verdict is Verdict.ACCEPT:
        raise InputError("accept: missing; an accepted task without any flag has an empty list")
    return ()


def _flags(row: dict[str, Any], field: str) -> tuple[Flag, ...]:
    items = row[field]
    if not isinstance(items, list) or (field == "options" and not items):
        raise InputError(f"{field}: must be a list of flags")
    names: list[Any] = [item.get("id") if isinstance(item, dict) else item for item in items]
    if not all(isinstance(name, str) and len(name) <= _ID_LENGTH for name in names):
        raise InputError(f"{field}: must be a list of flags")
    return tuple(dict.fromkeys(_flag(field, name) for name in names))


def _flag(field: str, name: str) -> Flag:
    try:
        return parse_flag(name, from_data=True)
    except InputError as error:
        raise InputError(f"{field}: {error}") from None


def _annotator(row: dict[str, Any]) -> str | None:
    name = row.get("_annotator_id") or row.get("_session_id")
    if name is None or name == "":
        return None
    name = _name("_annotator_id", name)
    return None if _UNNAMED_SESSION.fullmatch(name) else name


def _timestamp(row: dict[str, Any]) -> float | None:
    value = row.get("_timestamp")
    if value is None:
        return None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < _LATEST:  # NaN fails the comparison, too
        raise InputError("_timestamp: must be UTC seconds since 1970")
    return float(value)


def _text(row: dict[str, Any]) -> str:
    text = row.get("text")
    if not isinstance(text, str):
        raise InputError("text: must be the note's text")
    if not _encodable(text):
        raise InputError("text: contains a lone surrogate, which is no character")
    return text


def _name(field: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > _ID_LENGTH:
        raise InputError(f"{field}: must be a text of 1 to {_ID_LENGTH} characters")
    if not _encodable(value) or not value.isprintable():
        raise InputError(f"{field}: contains control characters or lone surrogates")
    return value


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
