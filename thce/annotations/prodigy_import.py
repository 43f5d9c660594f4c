"""Importing a Prodigy dataset into the store: each line an answer, or quarantined with why."""

import hashlib
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from thce.annotations.answers import Answer, content_key, record, require_offered
from thce.annotations.batches import adopt_task, set_hold
from thce.annotations.defaults import UNNAMED
from thce.annotations.prodigy import ProdigyAnswer, parse_answer
from thce.annotations.store import AnnotationStore
from thce.annotations.tasks import NewTask, TaskSeen, find_task, latest_task, task_id_of
from thce.annotations.tombstones import Tombstones
from thce.errors import InputError
from thce.files import write_jsonl

ADOPTED = "prodigy"
"""The batch of tasks that another program made and that name no batch."""

_NEW, _KNOWN, _DELETED = "new", "known", "deleted"


@dataclass(frozen=True)
class Imported:
    """What an import did, counted in lines of the file unless said otherwise.

    Attributes:
        new: answers added.
        known: answers that the store had already.
        deleted: answers left out, because their note was deleted on request.
        quarantined: lines that are no answer.
        adopted: tasks added, because the store did not know the task of an answer.
        quarantine: the file that names the quarantined lines and why, if there are any.
    """

    new: int
    known: int
    deleted: int
    quarantined: int
    adopted: int
    quarantine: Path | None

    @property
    def lines(self) -> int:
        """Lines that were not blank."""
        return self.new + self.known + self.deleted + self.quarantined


def import_answers(
    store: AnnotationStore,
    path: str | Path,
    *,
    annotator: str = UNNAMED,
    source: str | None = None,
) -> Imported:
    """Adds the answers of a `prodigy db-out` file, all in one transaction.

    Importing a file again, or a later file of the same dataset, adds only what is new, and the
    order of imports does not matter: an answer is known by its note, batch, annotator, content
    and time. Without times (Prodigy before 1.11) answers count as given now, in the order of
    lines.

    A task that the store does not know is adopted with the text and options of its row. A batch
    for which answers arrive is no longer held: what was left unanswered may be sampled again.

    Args:
        store: where the answers go.
        path: JSON lines.
        annotator: the name for answers given without a session name. They count as one person's:
            the latest wins. Where several people annotate, `?session=name` in the address lets
            their disagreements be seen.
        source: what messages call the file, by default its path.

    Raises:
        InputError: the file cannot be read, or none of its lines is an answer.
    """
    name = source or str(path)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}; give a file written by db-out") from None
    sha256 = hashlib.sha256(data).hexdigest()
    parsed: list[tuple[int, ProdigyAnswer]] = []
    bad: list[tuple[int, str]] = []
    for line, content in _lines(data):
        try:
            parsed.append((line, _parse(content)))
        except InputError as error:
            bad.append((line, str(error)))
    counts, adopted = _record_all(store, parsed, bad, annotator, sha256)
    quarantine = _quarantine(store, name, sha256, bad)
    if not counts.total():
        reason = f"line {bad[0][0]}: {bad[0][1]}" if bad else "it is empty"
        raise InputError(f"{name}: no line is an answer; {reason}")
    return Imported(counts[_NEW], counts[_KNOWN], counts[_DELETED], len(bad), adopted, quarantine)


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            yield number, line


def _parse(line: bytes) -> ProdigyAnswer:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise InputError("not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise InputError("not valid JSON") from None
    if not isinstance(row, dict):
        raise InputError("expected a JSON object")
    return parse_answer(row)


def _record_all(
    store: AnnotationStore,
    parsed: list[tuple[int, ProdigyAnswer]],
    bad: list[tuple[int, str]],
    annotator: str,
    sha256: str,
) -> tuple[Counter[str], int]:
    """Records the answers; those whose task cannot be told go to `bad`, which stays in order."""
    counts: Counter[str] = Counter()
    with store.database.write() as connection:
        recorder = _Recorder(connection, annotator, sha256, store.now())
        for line, answer in parsed:
            try:
                counts[recorder.add(line, answer)] += 1
            except InputError as error:
                bad.append((line, str(error)))
        for batch in recorder.answered_batches:
            set_hold(connection, batch, 0)
    bad.sort()
    return counts, recorder.adopted


class _Recorder:
    """Writes the answers of one file inside a transaction."""

    def __init__(
        self, connection: sqlite3.Connection, annotator: str, sha256: str, now: float
    ) -> None:
        self.adopted = 0
        self.answered_batches: set[str] = set()
        self._connection = connection
        self._annotator = annotator
        self._sha256 = sha256
        self._now = now
        self._tombstones = Tombstones.load(connection)
        self._said: Counter[str] = Counter()

    def add(self, line: int, given: ProdigyAnswer) -> str:
        """Records one answer and says what became of it.

        Raises:
            InputError: the row does not say what was asked, and the store does not know either.
        """
        if given.encounter_id in self._tombstones:
            return _DELETED
        task = self._known_task(given)
        options = given.options or (task.options if task else None)
        if options is None:
            raise InputError("options: missing, and the task is not in the store")
        require_offered(options, given.accept)
        if task is None:
            task = self._adopt(given)
        annotator = given.annotator or self._annotator
        answer = Answer(
            task.task_id,
            annotator,
            given.verdict,
            options,
            given.accept,
            key=self._key(given, annotator),
            answered_at=given.answered_at,
            position=line,
            source_sha256=self._sha256,
            source_line=line,
        )
        if not record(self._connection, answer, self._now):
            return _KNOWN
        self.answered_batches.add(task.batch)
        return _NEW

    def _known_task(self, given: ProdigyAnswer) -> TaskSeen | None:
        if given.batch is None:
            return latest_task(self._connection, given.encounter_id)
        return find_task(self._connection, task_id_of(given.batch, given.encounter_id))

    def _adopt(self, given: ProdigyAnswer) -> TaskSeen:
        self.adopted += 1
        task = NewTask(given.encounter_id, given.text, given.options or ())
        return adopt_task(self._connection, given.batch or ADOPTED, task, self._now)

    def _key(self, given: ProdigyAnswer, annotator: str) -> str:
        """What the answer says; without a time also how often the file has said it."""
        said = content_key(
            given.encounter_id,
            given.batch,
            annotator,
            given.verdict,
            given.options and sorted(given.options),
            sorted(given.accept),
            given.answered_at,
        )
        if given.answered_at is not None:
            return said
        self._said[said] += 1
        return content_key(said, self._said[said])


def _quarantine(
    store: AnnotationStore, name: str, sha256: str, bad: list[tuple[int, str]]
) -> Path | None:
    if not bad:
        return None
    path = store.path.parent / "quarantine" / f"answers-{sha256[:12]}.jsonl"
    rows = ({"file": name, "line": line, "reason": reason} for line, reason in bad)
    try:
        write_jsonl(path, rows)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}, so {len(bad)} bad lines of {name} cannot be listed; "
            "make room and import again"
        ) from None
    return path
