"""The store's file: created whole, opened only if it is a store of ours, errors named by path."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib import resources
from pathlib import Path
from urllib.parse import quote

from thce.errors import InputError
from thce.files import sync_folder

APPLICATION_ID = 0x54484345  # "THCE" in the SQLite header tells our file from any other database
SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0
OWNER_ONLY = 0o600  # the file holds notes

_REMEDIES = {
    sqlite3.SQLITE_BUSY: f"another process has held it for {BUSY_SECONDS:.0f} s; try again",
    sqlite3.SQLITE_LOCKED: f"another process has held it for {BUSY_SECONDS:.0f} s; try again",
    sqlite3.SQLITE_FULL: "the disk is full; free space and repeat, nothing was half written",
    sqlite3.SQLITE_IOERR: "the disk refuses to read or write; check it and its free space",
    sqlite3.SQLITE_READONLY: "not writable; give the path of a file and folder you may write",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check the path and its permissions",
    sqlite3.SQLITE_CORRUPT: "damaged; restore a backup with `thce annotations restore`",
    sqlite3.SQLITE_NOTADB: "not an annotation store, or damaged; give the path of the store, "
    "or restore a backup with `thce annotations restore`",
}
_PRIMARY_CODE = 0xFF


class Database:
    """One connection to a store file. Use it from the thread that opened it.

    SQLite in WAL mode: readers never wait, writers wait for each other up to BUSY_SECONDS, and
    `synchronous=FULL` makes a committed transaction survive a killed process and a lost power
    supply. The file must lie on a local disk: WAL needs shared memory.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is committed and durable when the block ends, or undone whole."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: every query in the block sees the same rows."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with named_errors(self.path):
            self.connection.execute(begin)
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                # SQLite has already rolled back by itself after some errors, a full disk for one.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise


def create(path: Path) -> None:
    """Makes an empty store at `path`, complete or not at all; one that exists is left alone.

    Raises:
        InputError: the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
        try:
            _write_schema(temporary, path)
            with suppress(FileExistsError):  # another process was first, with the same schema
                os.link(temporary, path)
        finally:
            temporary.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; choose a folder you may write") from None


def open_database(path: Path) -> Database:
    """Opens an existing store after checking that it is one, undamaged and of this version.

    Raises:
        InputError: the file is absent, empty, foreign, damaged or of another schema version.
    """
    return _open(path, "rw")


def open_backup(path: Path) -> Database:
    """Opens a store without changing a byte of it; otherwise as `open_database`."""
    return _open(path, "ro")


def _open(path: Path, mode: str) -> Database:
    if not path.is_file():
        raise InputError(f"{path}: no annotation store there; check the path, or prepare a batch")
    with named_errors(path):
        connection = _connect(path, mode)
        try:
            _check(connection, path)
            if mode == "rw":
                _configure(connection, path)
        except BaseException:
            connection.close()
            raise
    return Database(path, connection)


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Without a mode SQLite would answer a missing file with a new, empty one.
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )


@contextmanager
def named_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite says of the file, its lock or its disk into an InputError with a remedy.

    Errors of the program itself (a broken constraint, wrong SQL parameters) pass through.
    """
    try:
        yield
    except (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.InterfaceError):
        raise
    except sqlite3.DatabaseError as error:
        remedy = _REMEDIES.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE, str(error))
        raise InputError(f"{path}: {remedy}") from None


def _write_schema(temporary: Path, path: Path) -> None:
    """Writes the schema into the file that becomes the store; opening it turns on its log.

    With a write-ahead log from the start, a full disk would refuse the log's index and leave it
    there, instead of saying that it is full.
    """
    schema = resources.files("thce.annotations").joinpath("schema.sql").read_text("utf-8")
    with named_errors(path), closing(_connect(temporary, "rw")) as connection:
        connection.executescript(f"BEGIN; {schema} COMMIT;")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    if application != APPLICATION_ID:
        raise InputError(f"{path}: not an annotation store; give the path of the store")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path}: schema version {version}, but this version of thce reads "
            f"{SCHEMA_VERSION}; use the thce that wrote it"
        )
    (result,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if result != "ok":
        raise InputError(f"{path}: {_REMEDIES[sqlite3.SQLITE_CORRUPT]}")


def _configure(connection: sqlite3.Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise InputError(f"{path}: write-ahead logging is refused here; use a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA temp_store = MEMORY")  # VACUUM must not leave notes in /tmp
