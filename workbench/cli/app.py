"""`workbench` and `workbench open`: the terminal app."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import DONE, DbOption, database_path


def open_app(db: Path | None, link: str | None = None) -> int:
    """Open the app on a database, which is made if it is not there.

    Raises:
        UsageError: no terminal, no such link, or a setting that is not allowed. StorageError: the database can't be
            used.
    """
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
    from storage.database import ensure_database

    path = database_path(db)
    ensure_database(path)
    from workbench.app.app import WorkbenchApp

    app = WorkbenchApp(path, settings, wanted)
    app.run()
    return app.return_code or DONE


def open_link(
    link: Annotated[
        str, typer.Argument(help="scenario/ID, run/ID, search/UNIT, dialogue/UNIT, scores/RUN, worker/NAME.")
    ],
    db: DbOption = None,
) -> int:
    """Open the app at a place."""
    return open_app(db, link)
