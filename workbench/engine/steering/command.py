"""Giving a command to another process through the database, and waiting until it was taken."""

import time
from collections.abc import Callable
from pathlib import Path

from storage import commands
from storage.database import explained, open_writable, transaction
from storage.runs import target
from storage.sqlite import Database
from workbench.engine.steering.owner import actual_state

POLL_SECONDS = 0.1
"""How often the one who waits looks."""


def give_command(
    db: Database, path: Path, target: str, verb: str, argument: str = "", *, gone: Callable[[], str | None]
) -> str | None:
    """Give a command and wait until it was taken.

    Args:
        gone: says why nobody will ever take it, or None while somebody may.

    Returns:
        None if it is obeyed, else why not.

    Raises:
        StorageError: the database can't be used.
    """
    with explained(path), transaction(db):
        if (why := gone()) is not None:
            return why
        number = commands.issue(db, target, verb, argument)
    while True:
        with explained(path):
            answer, why = commands.answer(db, number), gone()
        if answer is not None:
            return answer.error
        if why is not None:
            with explained(path), transaction(db):  # it may have answered just before its end
                if commands.answer(db, number) is None:
                    commands.acknowledge(db, number, why)
            continue
        time.sleep(POLL_SECONDS)


def command_run(db: Database, path: Path, run: str, verb: str, argument: str = "") -> str | None:
    """Give a run (by its whole id) a command and wait until it was taken; see `give_command`."""

    def gone() -> str | None:
        (row,) = db.query("select * from runs where id = ?", [run])
        state = actual_state(row)
        if state in ("running", "paused"):
            return None
        if row["state"] == "running":
            return f"run {run}: its process has died: the command that started it takes it up again"
        return f"run {run} is not running: it is {state}"

    return give_command(db, path, target(run), verb, argument, gone=gone)


def tell_run(path: Path, run: str, verb: str, argument: str = "") -> str | None:
    """Give a run a command over a connection of its own; see `command_run`.

    Raises:
        StorageError: the database can't be used.
    """
    db = open_writable(path)
    try:
        return command_run(db, path, run, verb, argument)
    finally:
        db.conn.close()
