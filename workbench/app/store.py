"""The app's way to the database: reads and small writes in threads, and whether anything has changed."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from storage.database import Place, explained, open_readonly, open_writable, transaction
from storage.errors import StorageError

if TYPE_CHECKING:
    from storage.sqlite import Database

T = TypeVar("T")

_READERS = 3
"""Reads at once: a long one (the scores of 14,000 scenarios) must not keep a short one waiting."""


class Store:
    """One database, seen by the app. Everything that touches the file runs in threads, with connections of their own.

    The exception is `version`, which reads a counter in memory that WAL mode shares between processes.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._place = path, Place(path)
        self._threads = ThreadPoolExecutor(_READERS, "store")
        self._mine = threading.local()
        self._opened: list[Database] = []
        self._watching: Database | None = None

    async def open(self) -> None:
        """Open the database in a thread, so that the first look at it waits neither for the file nor for imports.

        Raises:
            StorageError: the database can't be read.
        """
        await asyncio.get_running_loop().run_in_executor(self._threads, self._open)

    async def read(self, query: "Callable[[Database], T]") -> T:
        """Run a query on a read-only connection.

        Raises:
            StorageError: the database can't be read.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, query)

    async def write(self, change: "Callable[[Database], T]") -> T:
        """Make a change in a transaction of its own: a command, a note, a rating.

        Raises:
            StorageError: the database can't be written, or is not at its path any more; nothing is changed then.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._write, change)

    def version(self) -> int:
        """Return a number that differs after any process has written to the database.

        Raises:
            StorageError: the database can't be read, or is not at its path any more.
        """
        watching = self._watching or self._open()
        self._place.check()
        with explained(self._path):
            (version,) = watching.conn.execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        """Let go of the file; reads under way end by themselves."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        for db in (*self._opened, *([self._watching] if self._watching else [])):
            db.conn.close()

    def _open(self) -> "Database":
        self._watching = open_readonly(self._path)
        return self._watching

    def _read(self, query: "Callable[[Database], T]") -> T:
        db: Database | None = getattr(self._mine, "db", None)
        if db is None:
            db = self._mine.db = open_readonly(self._path)
            self._opened.append(db)
        try:
            with explained(self._path):
                return query(db)
        except StorageError as error:
            if isinstance(error.__cause__, sqlite3.Error):  # it may keep damaged pages: the next read opens another
                self._mine.db = None
                self._opened.remove(db)
                db.conn.close()
            raise

    def _write(self, change: "Callable[[Database], T]") -> T:
        self._place.check()
        db = open_writable(self._path)
        try:
            with explained(self._path), transaction(db):
                return change(db)
        finally:
            db.conn.close()
