"""Commands between processes: views insert them, engines and supervisors poll (experiments.md, same heading).

What writes expects to be called inside `storage.database.transaction`.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from storage.sqlite import Database


class Command(NamedTuple):
    """A command that waits.

    Fields:
        target: who shall do it: `workers`, `worker:NAME`, `run:ID`.
        verb: what. argument: in the form the verb asks for, often empty.
    """

    id: int
    target: str
    verb: str
    argument: str


class Answer(NamedTuple):
    """What became of a command: None in `error` means that it was obeyed."""

    error: str | None


def issue(db: "Database", target: str, verb: str, argument: str = "") -> int:
    """Leave a command for whoever polls for the target; return its id."""
    inserted = db.conn.execute(
        "insert into commands (target, verb, argument, issued) values (?, ?, ?, ?)",
        [target, verb, argument, time.time()],
    )
    assert inserted.lastrowid is not None
    return inserted.lastrowid


def pending(db: "Database", targets: Sequence[str]) -> list[Command]:
    """Return the commands for these targets that nobody has taken, oldest first."""
    marks = ", ".join("?" * len(targets))
    rows = db.conn.execute(
        f"select id, target, verb, argument from commands where acknowledged is null and target in ({marks}) "  # noqa: S608
        "order by id",
        list(targets),
    )
    return [Command(*row) for row in rows]


def acknowledge(db: "Database", command: int, error: str | None = None) -> None:
    """Say that a command was taken, or why it was refused."""
    db.conn.execute("update commands set acknowledged = ?, error = ? where id = ?", [time.time(), error, command])


def refuse_waiting(db: "Database", target: str, error: str) -> None:
    """Refuse every command for a target that nobody has taken: whoever was to do it is gone."""
    db.conn.execute(
        "update commands set acknowledged = ?, error = ? where acknowledged is null and target = ?",
        [time.time(), error, target],
    )


def answer(db: "Database", command: int) -> Answer | None:
    """Return what became of a command, or None while it waits."""
    row = db.conn.execute("select acknowledged, error from commands where id = ?", [command]).fetchone()
    return Answer(row[1]) if row is not None and row[0] is not None else None
