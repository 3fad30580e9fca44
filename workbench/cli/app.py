"""`workbench` and `workbench open`: the terminal app."""

import codecs
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.common import DONE, INTERRUPTED, DbOption, database_path

if TYPE_CHECKING:
    from workbench.app.app import WorkbenchApp


def open_app(db: Path | None, link: str | None = None) -> int:
    """Open the app on a database, which is made if it is not there.

    Raises:
        UsageError: no terminal, no such link, or a setting that is not allowed. StorageError: the database can't be
            used.
    """
    import asyncio

    from workbench.app import pauses

    pauses.starting()
    from workbench.app.state.links import parse_link
    from workbench.app.state.settings import read_settings
    from workbench.engine.errors import UsageError

    try:
        wanted, settings = parse_link(link) if link else None, read_settings()
    except ValueError as error:
        raise UsageError(str(error)) from error
    if not all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr)):
        raise UsageError("the app needs a terminal: `workbench --help` lists what works without one")
    if codecs.lookup(sys.stderr.encoding).name != "utf-8":
        raise UsageError(
            f"the app draws with Unicode, and this terminal is set to {sys.stderr.encoding}: "
            "LC_ALL=C.UTF-8 before the command changes that"
        )
    from storage.database import ensure_database

    path = database_path(db)
    ensure_database(path)
    from workbench.app.app import WorkbenchApp

    app = WorkbenchApp(path, settings, wanted)
    asyncio.run(_until_it_ends(app))
    return app.return_code or DONE


async def _until_it_ends(app: "WorkbenchApp") -> None:
    """Run the app; signals end it by its own way out, which gives the terminal back as it was."""
    import asyncio

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, partial(app.exit, return_code=INTERRUPTED))
    await app.run_async()


def open_link(
    link: Annotated[
        str,
        typer.Argument(
            help="scenario/ID, run/ID, search/UNIT, dialogue/UNIT, scores/RUN, worker/NAME.", metavar="LINK"
        ),
    ],
    db: DbOption = None,
) -> int:
    """Open the app at a place."""
    return open_app(db, link)
