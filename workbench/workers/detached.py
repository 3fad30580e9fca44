"""The supervisor that lives on its own: `workbench workers start` launches it, the database is how one talks to it."""

import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from storage import workers
from storage.database import explained, transaction
from storage.errors import StorageError
from storage.runs import OwnedError
from storage.sqlite import Database
from workbench.engine.errors import RunError, UsageError
from workbench.engine.steering.command import POLL_SECONDS, give_command
from workbench.engine.steering.launch import detach
from workbench.workers.logs import log_folder, tail
from workbench.workers.spec import WorkerSpec
from workbench.workers.supervisor import ALL, ENDED, Supervisor, clean_up, supervisor_alive
from workbench.workers.worker import Timings

_START_SECONDS = 30.0
"""How long a supervisor's process may take to register."""


def add_workers(db: Database, path: Path, specs: Sequence[WorkerSpec], command: Sequence[str]) -> list[str]:
    """Have workers started by the database's supervisor, which is launched if there is none.

    Returns:
        The names of the new workers, which are starting.

    Raises:
        UsageError: there is no such model, or no room. RunError: the supervisor could not be started.
        StorageError: the database can't be used.
    """
    argument = json.dumps({"specs": [spec.to_dict() for spec in specs], "command": list(command)})
    for _ in range(3):  # a supervisor may end just now, having nothing left to do
        before = {row["id"] for row in list_detached(db, path)}
        _ensure_supervisor(db, path)
        error = command_workers(db, path, ALL, "add", argument)
        if error is None:
            return [row["name"] for row in list_detached(db, path) if row["id"] not in before]
        if error != ENDED:
            raise UsageError(error)
    raise RunError(f"the supervisor ended again and again: see {_log(path)}")


def command_workers(db: Database, path: Path, target: str, verb: str, argument: str = "") -> str | None:
    """Give the detached supervisor a command and wait until it took it.

    Returns:
        None if it obeys, else why not; `ENDED` where no supervisor lives.
    """

    def gone() -> str | None:
        return ENDED if workers.live_supervisor(db, supervisor_alive) is None else None

    return give_command(db, path, target, verb, argument, gone=gone)


def list_detached(db: Database, path: Path) -> list[dict[str, Any]]:
    """Return the rows of the detached workers."""
    with explained(path):
        return [row for row in workers.list_workers(db, supervisor_alive) if row["kind"] == "detached"]


def end_abandoned(db: Database, path: Path, report: Callable[[str], None]) -> int:
    """End what a dead supervisor left running, and drop the rows of every worker that nobody supervises.

    Returns:
        How many of these had not been stopped.
    """
    with explained(path):
        left = workers.abandoned(db, supervisor_alive)

    async def write(change: Callable[[Database], None]) -> None:
        with explained(path), transaction(db):
            change(db)

    anyio.run(clean_up, left, write, Timings().grace, report)
    return sum(row["state"] not in ("stopped", "dead") for row in left)


def wait_for(
    db: Database, path: Path, names: Sequence[str], done: Callable[[str], bool], see: Callable[[dict[str, Any]], None]
) -> list[dict[str, Any]]:
    """Wait until each of the named workers is in a state that `done` accepts, or its supervisor is through.

    Args:
        see: is shown each worker's row whenever it is read.

    Returns:
        Their rows.
    """
    while True:
        with explained(path):
            alive = workers.live_supervisor(db, supervisor_alive) is not None
        rows = [row for row in list_detached(db, path) if row["name"] in names]
        for row in rows:
            see(row)
        if not alive or all(done(row["state"]) for row in rows):
            return rows
        time.sleep(POLL_SECONDS)


def _ensure_supervisor(db: Database, path: Path) -> None:
    def living() -> bool:
        with explained(path):
            return workers.live_supervisor(db, supervisor_alive) is not None

    if living():
        return
    log = _log(path)
    process = detach([sys.executable, "-m", "workbench.workers.detached", str(path.absolute())], log)
    deadline = time.monotonic() + _START_SECONDS
    while not living():
        if process.poll() is not None or time.monotonic() > deadline:
            if living():  # another one was quicker
                return
            said = tail(log, 1)
            raise RunError(f"the supervisor did not start: {said[0] if said else 'it said nothing'}; see {log}")
        time.sleep(POLL_SECONDS)


def _log(path: Path) -> Path:
    return log_folder(path.absolute()) / "supervisor.log"


async def supervise(path: Path, timings: Timings, report: Callable[[str], None]) -> None:
    """Supervise a database's detached workers until a signal comes or nothing is left to look after.

    Raises:
        OwnedError: another process does. StorageError: the database can't be used.
    """
    # Around everything: a second signal must not cut off the end that the first one began.
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async with (
            Supervisor(path, "detached", timings=timings, report=report) as supervisor,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(_cancel_on, signals, tasks.cancel_scope)
            deadline = time.monotonic() + timings.idle

            def idle(waiting: bool) -> bool:
                late = supervisor.heard or time.monotonic() >= deadline
                return late and not waiting and all(worker.settled for worker in supervisor.workers)

            while not (idle(False) and await supervisor.close_if(idle)):
                await supervisor.changed()
            tasks.cancel_scope.cancel()


async def _cancel_on(signals: AsyncIterator[signal.Signals], scope: anyio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()
        return


def main(arguments: Sequence[str], timings: Timings | None = None) -> int:
    """Run the supervisor of the database named by the only argument; return the exit code."""

    def report(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        anyio.run(partial(supervise, Path(arguments[0]), timings or Timings(), report))
    except OwnedError as error:
        report(f"workbench: {error}")
        return 2
    except (StorageError, RunError) as error:
        report(f"workbench: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
