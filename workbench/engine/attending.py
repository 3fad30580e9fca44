"""What a process does beside its work on a run: its heart beats, and it obeys the commands that come in."""

from collections.abc import Callable
from pathlib import Path

import anyio
from sqlite_utils import Database

from storage import commands, runs
from storage.database import explained
from workbench.engine.control import CommandError, Control
from workbench.engine.owner import HEARTBEAT_SECONDS
from workbench.engine.progress import Progress
from workbench.engine.writing import Writer

_POLL_SECONDS = 0.1
"""How often a run looks for commands: one indexed query of 5-10 microseconds, ten times a second."""

_SAID = {"pause": "paused", "resume": "resumed", "cancel": "cancelled"}


class Attendant:
    """Attends to one run; its two coroutines go on until they are cancelled."""

    def __init__(self, run: str, path: Path, writer: Writer, control: Control, progress: Progress) -> None:
        self._run, self._path, self._writer = run, path, writer
        self._control, self._progress = control, progress

    async def beat(self) -> None:
        """Say again and again that the owner is alive."""
        while True:
            await anyio.sleep(HEARTBEAT_SECONDS)
            await self._writer.write(lambda db: runs.beat(db, self._run))

    async def listen(self, reader: Database, stop: Callable[[], None]) -> None:
        """Obey commands, let the store say whether the run is held, and call `stop` when it is cancelled."""
        run, target, told = self._run, runs.target(self._run), False
        while True:
            with explained(self._path):
                waiting = commands.pending(reader, [target])
            answers = [(command.id, self._obey(command)) for command in waiting]
            paused = self._control.paused
            if answers or paused != told:
                told = paused

                def answer(db: Database, answers: list[tuple[int, str | None]] = answers, held: bool = paused) -> None:
                    runs.set_paused(db, run, held)
                    for command, error in answers:
                        commands.acknowledge(db, command, error)

                await self._writer.write(answer)
            if self._control.cancelled:
                stop()
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
