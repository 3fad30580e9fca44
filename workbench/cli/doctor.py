"""`workbench doctor`: what is there, what is missing, and how to get it."""

from dataclasses import asdict

import typer

from workbench.cli.common import DbOption, FormatOption, database_path
from workbench.cli.output import Column, emit


def doctor(db: DbOption = None, format: FormatOption = "table") -> None:
    """Check Python, database, terminal, GPUs, extras and endpoints; say what is missing and how to get it."""
    from workbench.doctor import checks

    found = checks(database_path(db))
    columns = [Column("name"), Column("state", status=True), Column("detail", wrap=True), Column("remedy", wrap=True)]
    emit((asdict(check) for check in found), format, columns)
    if any(check.state == "failed" for check in found):
        raise typer.Exit(1)
