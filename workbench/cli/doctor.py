"""`workbench doctor`: what is there, what is missing, and how to get it."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.output import Column, Format, emit


def doctor(
    db: Annotated[
        Path | None, typer.Option("--db", envvar="WORKBENCH_DB", help="The database [workbench.db in this folder].")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How to print it.")] = "table",
) -> None:
    """Check Python, database, terminal, GPUs, extras and endpoints; say what is missing and how to get it."""
    from workbench.doctor import checks

    found = checks(db or Path("workbench.db"))
    columns = [Column("name"), Column("state", status=True), Column("detail", wrap=True), Column("remedy", wrap=True)]
    emit((asdict(check) for check in found), format, columns)
    if any(check.state == "failed" for check in found):
        raise typer.Exit(1)
