"""What the commands share: options, the database's place, exit codes. Imports nothing heavy: `--help` must be quick."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import Format

if TYPE_CHECKING:
    from storage.sqlite import Database

DONE, FAILED, WRONG, LEFT_OUT, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes: done, failed, wrong usage or input, finished but something was left out, interrupted and resumable."""

LARGEST = 2**63 - 1
"""The largest whole number that the database takes."""

DbOption = Annotated[
    Path | None,
    typer.Option(
        "--db", help="The database file; else WORKBENCH_DB, else workbench.db in this folder.", metavar="FILE"
    ),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print data on stdout.")]
RunOption = Annotated[
    str | None, typer.Option("--run", help="A run's id or its beginning; else the latest run.", metavar="RUN")
]


def database_path(option: Path | None) -> Path:
    """Return the database to use: the flag, else WORKBENCH_DB, else workbench.db in the current folder."""
    return option or Path(os.environ.get("WORKBENCH_DB") or "workbench.db")


@contextmanager
def reading(option: Path | None) -> "Iterator[Database]":
    """Open the database to read from it, and close it."""
    from storage.database import open_readonly

    with _opened(open_readonly, database_path(option)) as db:
        yield db


@contextmanager
def writing(option: Path | None) -> "Iterator[Database]":
    """Open or create the database to write to it, and close it."""
    from storage.database import open_writable

    with _opened(open_writable, database_path(option)) as db:
        yield db


@contextmanager
def _opened(open_database: "Callable[[Path], Database]", path: Path) -> "Iterator[Database]":
    from storage.database import explained

    db = open_database(path)
    try:
        with explained(path):
            yield db
    finally:
        db.conn.close()


def vllm_arguments(text: str) -> tuple[str, ...]:
    """Split what stands in `--vllm-args` as a shell would.

    Raises:
        UsageError: a quote is left open.
    """
    import shlex

    from workbench.engine.errors import UsageError

    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        raise UsageError(f"--vllm-args: {error}: quote them as for a shell") from error


def narrate(text: str) -> None:
    """Say something on stderr; data goes to stdout."""
    from workbench.text import plain

    typer.echo(plain(text), err=True)


def words(text: str | None) -> tuple[str, ...] | None:
    """Split a comma-separated option; None stays None (not given)."""
    return None if text is None else tuple(word.strip() for word in text.split(",") if word.strip())
