"""Opening a database: the file, its settings, its version.

WAL mode so that views read while the engine writes, synchronous NORMAL (a crash of the machine may lose the last
moment, never the file), a busy timeout since several processes may write.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import StorageError, WrongDatabaseError
from storage.migrations import MIGRATIONS, SCHEMA_VERSION

if TYPE_CHECKING:
    from storage.sqlite import Database

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another one. Without it, most of eight processes' writes fail as locked."""

APPLICATION_ID = 0x50535742
"""Stands in the file's header ("PSWB"), so that no other program's database is taken for the workbench's."""


def open_writable(path: Path) -> "Database":
    """Open or create a database and bring it to this version's schema.

    Raises:
        StorageError: the folder or file can't be written, the file is no database, or it is from a newer version.
    """
    with explained(path):
        db = _database(_connect(path, f"file:{_quoted(path)}"))
        _refuse_others(db, path)  # before anything is changed in a file that may be somebody else's
        db.conn.execute("PRAGMA journal_mode = WAL")
        db.conn.execute("PRAGMA synchronous = NORMAL")
        db.conn.execute("PRAGMA foreign_keys = ON")
        _migrate(db)
    return db


def open_readonly(path: Path) -> "Database":
    """Open an existing database to read from it.

    Raises:
        StorageError: there is no such file, it is no database, or its version is not this one's.
    """
    if not path.exists():
        raise WrongDatabaseError(
            f"there is no database at {path}: `workbench run` makes one, or name another with --db"
        )
    with explained(path):
        db = _database(_connect(path, f"file:{_quoted(path)}?mode=ro"))
        _refuse_others(db, path)
        if _version(db) < SCHEMA_VERSION:
            db.conn.close()
            # Only a writer migrates; opening once for writing keeps the reader's connection free of write locks.
            open_writable(path).conn.close()
            db = _database(_connect(path, f"file:{_quoted(path)}?mode=ro"))
    return db


def ensure_database(path: Path) -> None:
    """Create a database, or bring it to this version's schema; nearly free where neither is needed.

    Raises:
        StorageError: as `open_writable`.
    """
    with explained(path):
        if path.exists():
            with contextlib.closing(_connect(path, f"file:{_quoted(path)}?mode=ro")) as connection:
                if (_pragma(connection, "application_id"), _pragma(connection, "user_version")) == (
                    APPLICATION_ID,
                    SCHEMA_VERSION,
                ):
                    return
        open_writable(path).conn.close()


class Place:
    """Where a database lay when it was opened. SQLite goes on with a file that was deleted, unseen by everybody else.

    Args:
        path: leads to the database now.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._opened = path, _identity(path)

    def check(self) -> None:
        """Make sure that the path still leads there; costs microseconds.

        Raises:
            StorageError: the file was moved, deleted or replaced.
        """
        found = _identity(self._path)
        if found is None:
            raise StorageError(f"database {self._path} was moved or deleted: put it back to go on")
        if found != self._opened:
            raise StorageError(f"database {self._path} was replaced by another file: start again to use that one")


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from another one at the same path, or None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn sqlite3's errors into one line that says what is wrong with which file and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        if "locked" in text:
            advice = "another process is writing to it; try again when that has finished"
        elif "full" in text:
            advice = "make room and run the same command again: what was finished is kept"
        elif "malformed" in text:
            advice = "the file is damaged: put a copy back, or save what is left with `sqlite3 FILE .recover`"
        elif "not a database" in text:
            raise WrongDatabaseError(f"{path}: {text}: it is no workbench database; name another with --db") from error
        elif "readonly" in text or "unable to open" in text:
            advice = "check that folder and file exist and can be written, or name another with --db"
        else:
            advice = "run `workbench doctor`, or name another database with --db"
        raise StorageError(f"database {path}: {text}: {advice}") from error


@contextlib.contextmanager
def transaction(db: "Database") -> Iterator[None]:
    """Write several things or none. The lock is taken at the start, so two processes never deadlock half-way."""
    db.conn.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.conn.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction already.
        if db.conn.in_transaction:
            db.conn.execute("ROLLBACK")
        raise


def _connect(path: Path, uri: str) -> sqlite3.Connection:
    if path.is_dir():
        raise WrongDatabaseError(f"{path} is a folder; name a database file with --db")
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def _database(connection: sqlite3.Connection) -> "Database":
    from storage.sqlite import Database  # takes longer than all else that the app needs before it is to be seen

    return Database(connection, execute_plugins=False)


def _quoted(path: Path) -> str:
    return str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")


def _version(db: "Database") -> int:
    return _pragma(db.conn, "user_version")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    row: tuple[int] = connection.execute(f"PRAGMA {name}").fetchone()
    return row[0]


def _refuse_others(db: "Database", path: Path) -> None:
    """Refuse what something else made, and what a newer version of this made."""
    # In this order, since another process may be making the database just now: it sets all three at once.
    tables, version = db.table_names(), _version(db)
    application = _pragma(db.conn, "application_id")
    if application != APPLICATION_ID and (tables or version or application):
        db.conn.close()
        raise WrongDatabaseError(f"database {path} is not the workbench's; name another with --db")
    if version > SCHEMA_VERSION:
        db.conn.close()
        raise WrongDatabaseError(
            f"database {path} is from a newer version of the workbench (schema {version}, this one knows "
            f"{SCHEMA_VERSION}): upgrade the workbench, or name another database with --db"
        )


def _migrate(db: "Database") -> None:
    while _version(db) < SCHEMA_VERSION:
        with transaction(db):
            version = _version(db)  # read again under the lock: another process may have been here
            if version == SCHEMA_VERSION:
                return
            MIGRATIONS[version](db)
            db.conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.conn.execute(f"PRAGMA user_version = {version + 1}")
