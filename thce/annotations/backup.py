"""Backup and restore of the store while it is in use."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from thce.annotations import database, deletion
from thce.annotations.store import AnnotationStore, Clock
from thce.annotations.tombstones import Tombstones
from thce.errors import InputError
from thce.files import atomic_open


@dataclass(frozen=True)
class Restored:
    """What a restore did.

    Attributes:
        answers: answers in the store now.
        deleted_again: notes of the backup that had been deleted on request since it was made.
        set_aside: where the unreadable file that was in the way lies now, if there was one.
    """

    answers: int
    deleted_again: int
    set_aside: Path | None


def backup(store: AnnotationStore, target: str | Path) -> Path:
    """Copies the store as of this moment into one file, readable by the owner only.

    Writers may go on meanwhile. The file appears whole or not at all. It holds notes: keep it
    where notes may be kept.

    Raises:
        InputError: the target is the store itself, or cannot be written.
    """
    path = Path(target).expanduser().absolute()
    if path == store.path:
        raise InputError(f"{path}: a backup cannot replace the store itself; give another path")
    try:
        with atomic_open(path, "wb") as handle, database.named_errors(path):
            temporary = Path(handle.name)
            temporary.chmod(database.OWNER_ONLY)
            with closing(sqlite3.connect(temporary, isolation_level=None)) as copy:
                store.database.connection.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, no log beside it
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give a path you may write") from None
    return path


def restore(
    source: str | Path, target: str | Path, *, force: bool = False, clock: Clock = time.time
) -> Restored:
    """Puts a backup in place of the store, in one transaction.

    Notes deleted on request since the backup was made stay deleted. Processes that have the store
    open go on with the restored content. The copy passes through memory.

    Args:
        source: the backup.
        target: the store's file.
        force: replace a store that holds answers, or a file that is no readable store, which is
            then set aside beside it.
        clock: UTC seconds since 1970.

    Raises:
        InputError: the backup is not an undamaged store of this version, or there is something in
            the way and `force` is not given.
    """
    backup_file, path = (Path(name).expanduser().absolute() for name in (source, target))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as copy:
        _read_backup(backup_file, copy)
        set_aside = _make_way(path, force, clock())
        opened = database.open_database(path)
        with closing(opened.connection), database.named_errors(path):
            deleted = _keep_deleted(opened.connection, copy)
            copy.backup(opened.connection)
        (answers,) = copy.execute("SELECT count(*) FROM answers").fetchone()
    return Restored(answers, deleted, set_aside)


def _read_backup(path: Path, copy: sqlite3.Connection) -> None:
    opened = database.open_backup(path)
    with closing(opened.connection), database.named_errors(path):
        opened.connection.backup(copy)
        faults = copy.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",)
        if faults or copy.execute("PRAGMA foreign_key_check").fetchone():
            raise InputError(f"{path}: the backup is damaged; restore an older one")


def _make_way(path: Path, force: bool, now: float) -> Path | None:
    """Makes sure that a readable store lies at `path`; returns where an unreadable one went."""
    set_aside = None
    if path.exists():
        try:
            opened = database.open_database(path)
        except InputError as error:
            if not force:
                raise InputError(f"{error} (--force sets this file aside)") from None
            set_aside = _set_aside(path, now)
        else:
            with closing(opened.connection):
                answers = opened.connection.execute("SELECT count(*) FROM answers").fetchone()[0]
            if answers and not force:
                raise InputError(
                    f"{path}: holds {answers} answers, which the backup would replace; "
                    "back it up first, then give --force"
                )
    database.create(path)
    return set_aside


def _set_aside(path: Path, now: float) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{now:.0f}")
    # The log goes with its file: beside another database it would corrupt it.
    for suffix in ("-wal", "-shm", ""):
        file = path.with_name(path.name + suffix)
        if file.exists():
            file.rename(aside.with_name(aside.name + suffix))
    return aside


def _keep_deleted(current: sqlite3.Connection, copy: sqlite3.Connection) -> int:
    """Carries the store's tombstones into the copy and removes the notes they stand for."""
    tombstones = Tombstones.load(current)
    notes = [row[0] for row in copy.execute("SELECT encounter_id FROM notes")]
    gone = [encounter_id for encounter_id in notes if encounter_id in tombstones]
    for encounter_id in gone:
        deletion.remove_rows(copy, encounter_id)
    copy.executemany(
        "INSERT OR IGNORE INTO tombstones VALUES (?, ?, ?)",
        current.execute("SELECT salt, id_hash, deleted_at FROM tombstones"),
    )
    if gone:
        copy.execute("VACUUM")  # or their text would be copied along in free pages
    return len(gone)
