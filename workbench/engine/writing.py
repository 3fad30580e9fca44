"""The one writer of a run: collects what units found and writes all that is waiting in one transaction."""

import math
from collections.abc import Callable
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from storage.database import explained, transaction
from storage.sqlite import Database

Write = Callable[[Database], None]
"""Something to be written inside a transaction."""

_BATCH = 500


class Writer:
    """Takes writes from many tasks. `write` returns when its write is on disk, so a unit is finished or it is not.

    Everything that waits when the database is ready goes into one transaction: with one task writing that is one
    write, with 64 up to 64. Work is done in a thread, as another process may hold the database for a moment.
    """

    def __init__(self, db: Database, path: Path) -> None:
        self._db, self._path = db, path
        self._send: MemoryObjectSendStream[tuple[Write, anyio.Event]]
        self._receive: MemoryObjectReceiveStream[tuple[Write, anyio.Event]]
        self._send, self._receive = anyio.create_memory_object_stream(math.inf)

    async def write(self, write: Write) -> None:
        """Hand over a write and wait until it is committed."""
        written = anyio.Event()
        self._send.send_nowait((write, written))
        await written.wait()

    def post(self, write: Write) -> None:
        """Hand over a write without waiting. What is handed over later is never committed before it."""
        self._send.send_nowait((write, anyio.Event()))

    def close(self) -> None:
        """Let `run` end once everything handed over is written."""
        self._send.close()

    async def run(self) -> None:
        """Write until `close`.

        Raises:
            StorageError: the database could not be written (a full disk, say); what was committed before stays.
        """
        with self._receive, self._send:
            async for first in self._receive:
                batch = [first]
                while len(batch) < _BATCH:
                    try:
                        batch.append(self._receive.receive_nowait())
                    except (anyio.WouldBlock, anyio.EndOfStream):
                        break
                await to_thread.run_sync(self._commit, [write for write, _ in batch])
                for _, written in batch:
                    written.set()

    def _commit(self, writes: list[Write]) -> None:
        with explained(self._path), transaction(self._db):
            for write in writes:
                write(self._db)
