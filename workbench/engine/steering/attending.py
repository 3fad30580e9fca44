"""What a process does around its work on a run: it writes, beats, obeys commands, and says how the run ended."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import anyio

from storage import commands, runs
from storage.database import Place, explained, open_readonly, transaction
from storage.errors import StorageError
from storage.sqlite import Database
from workbench.engine.errors import first_cause
from workbench.engine.progress import Progress
from workbench.engine.steering.control import CommandError, Control
from workbench.engine.steering.interrupt import Interruption, interruptible
from workbench.engine.steering.owner import HEARTBEAT_SECONDS
from workbench.engine.writing import Writer

_POLL_SECONDS = 0.1
"""How often a run looks for commands: one indexed query of 5-10 microseconds, ten times a second."""

_SAID = {"resume": "resumed", "cancel": "cancelled"}
"""What is said when a command was obeyed; that a run is held is said whatever holds it."""


class Attendant:
    """Attends to one run that this process has claimed.

    Fields:
        writer: the one that writes to the database while the run is worked on.
        interruption: whether a signal or a command has stopped it.
    """

    def __init__(
        self,
        db: Database,
        path: Path,
        run: str,
        control: Control,
        progress: Progress,
        *,
        when_done: Callable[[Database], None] = lambda _: None,
    ) -> None:
        """Attend to `run`; `when_done` changes the database in the transaction that says that everything is done."""
        self._db, self._path, self._run = db, path, run
        self._control, self._progress, self._when_done = control, progress, when_done
        self.writer, self.interruption = Writer(db, path), Interruption()
        self._place = Place(path)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Database]:
        """Give the body a reader, attend to the run meanwhile, and write how it ended, whatever happened in the body.

        The first signal, or a command to cancel, cancels the body; the context then ends without an error.

        Raises:
            StorageError: the database could not be written. What the body raises comes out of its exception groups.
        """
        error: str | None = None
        try:
            async with self._attended() as reader:
                yield reader
        except BaseException as failure:
            cause = first_cause(failure)
            if not isinstance(cause, Exception):  # a second signal meets the default handler, which cancels everything
                self.interruption.came = True
                raise
            error = str(cause) or type(cause).__name__
            raise cause from failure
        finally:
            self._progress.finish()
            self._end(error)

    @asynccontextmanager
    async def _attended(self) -> AsyncIterator[Database]:
        reader = open_readonly(self._path)
        try:
            async with anyio.create_task_group() as around:
                around.start_soon(self.writer.run)
                try:
                    async with interruptible() as self.interruption, anyio.create_task_group() as tasks:
                        tasks.start_soon(self._beat)
                        tasks.start_soon(self._listen, reader)
                        yield reader
                        tasks.cancel_scope.cancel()
                finally:
                    self.writer.close()
        finally:
            reader.conn.close()

    def _end(self, error: str | None) -> None:
        state: Literal["done", "interrupted", "failed"] = (
            "failed" if error else "interrupted" if self.interruption.came else "done"
        )
        try:
            with explained(self._path), transaction(self._db):
                runs.end_run(self._db, self._run, state, error)
                if state == "done":
                    self._when_done(self._db)
        except StorageError:
            # The same fault that ended the run (a full disk) may forbid saying so; the owner is dead then all the same.
            if error is None:
                raise

    async def _beat(self) -> None:
        """Say again and again that the owner is alive, where anybody can still read it."""
        while True:
            await anyio.sleep(HEARTBEAT_SECONDS)
            self._place.check()
            await self.writer.write(lambda db: runs.beat(db, self._run))

    async def _listen(self, reader: Database) -> None:
        """Obey commands, say in the store and to the user what holds the run, and stop when it is cancelled."""
        run, target = self._run, runs.target(self._run)
        told: tuple[str | None, str | None] = None, None
        while True:
            with explained(self._path):
                waiting = commands.pending(reader, [target])
            answers = [(command.id, self._obey(command)) for command in waiting]
            held, stops = self._control.state
            if held is not None and held != told[0]:
                self._progress.note(f"paused {held}: `workbench control {run} resume` lets it go on")
            if answers or (held, stops) != told:
                told = held, stops

                def answer(
                    db: Database,
                    answers: list[tuple[int, str | None]] = answers,
                    told: tuple[str | None, str | None] = told,
                ) -> None:
                    runs.set_control(db, run, *told)
                    for command, error in answers:
                        commands.acknowledge(db, command, error)

                await self.writer.write(answer)
            if self._control.cancelled:
                self.interruption.stop()
            with anyio.move_on_after(_POLL_SECONDS):
                await self._control.changed()

    def _obey(self, command: commands.Command) -> str | None:
        try:
            self._control.obey(command.verb, command.argument)
        except CommandError as error:
            return str(error)
        if (said := _SAID.get(command.verb)) is not None:
            self._progress.note(f"{said} by a command")
        return None
