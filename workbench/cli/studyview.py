"""`workbench show studies | study | table`: the tables of the paper's experiments, from the store."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.common import DONE, DbOption, FormatOption, RunOption, reading
from workbench.cli.output import Column, Format, emit, gap
from workbench.figures import mean_and_half

if TYPE_CHECKING:
    from storage.sqlite import Database
    from workbench.statistics.studytable import StudyTable, Value

_LEGEND = "± half the width of the 95 % bootstrap interval, clustered by profile; differences are paired"


def studies(db: DbOption = None, format: FormatOption = "table") -> int:
    """List studies, newest first: which preset or file, runs, how many are done."""
    from storage.studies import list_studies

    with reading(db) as database:
        emit(list_studies(database), format, ["study", "name", "world", "runs", "done", "created_at", "finished_at"])
    return DONE


def study(
    study: Annotated[str | None, typer.Argument(help="A study's name or id; else the latest.", metavar="STUDY")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show the tables of a study again, beside the published figures, from what is stored."""
    from workbench.engine.plans.study import check_tables

    if table is not None:
        check_tables([table])
    with reading(db) as database:
        emit_study(database, study, format, only=table)
    return DONE


def table(
    name: Annotated[
        str, typer.Argument(help="headline, domains, models, context, sensitivity, subsets, gains …", metavar="TABLE")
    ],
    run: RunOption = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show one table of the paper's kind from a single run: any run with the arms it needs."""
    from workbench.engine.plans.study import run_table

    with reading(db) as database:
        emit_tables([run_table(database, name, run)], format)
    return DONE


def emit_study(database: "Database", name: str | None, format: Format, only: str | None = None) -> None:
    """Print the tables of a stored study.

    Raises:
        NotFoundError: there is no such study. UsageError: it does not have that table.
    """
    from storage.studies import find_study
    from workbench.engine.errors import UsageError
    from workbench.engine.plans.study import study_tables

    found = find_study(database, name)
    tables = study_tables(database, found["study"], only)
    first = next(tables, None)
    if first is None:
        what = "nothing to show yet" if only is None else f"nothing for the table {only}"
        raise UsageError(f"study {found['study']} ({found['name']}) has {what}")
    emit_tables(chain([first], tables), format)


def emit_tables(tables: "Iterable[StudyTable]", format: Format) -> None:
    """Print tables: below each other for people, each as soon as it is computed; a flat record per row for machines.

    Records of all tables have the same keys, those that a table lacks are null.
    """
    if format not in ("table", "md"):
        records = [record for table in tables for record in table.records()]
        keys = dict.fromkeys(key for record in records for key in record)
        emit(({key: record.get(key) for key in keys} for record in records), format)
        return
    for i, table in enumerate(tables):
        if i:
            gap()
        columns = [
            Column(key, heading)
            for key, heading in table.columns.items()
            if any(row.get(key) is not None for row in table.rows)
        ]
        lines = [{column.key: _cell(table, column.key, row) for column in columns} for row in table.rows]
        break_ = "\n" if format == "table" else " · "
        emit(lines, format, columns, title=f"{table.title}{break_}{_LEGEND}")
        if table.notes:
            typer.echo("")
        for note in table.notes:
            typer.echo(f"  {note}" if format == "table" else f"- {note}")


def _cell(table: "StudyTable", key: str, row: "Mapping[str, Value]") -> str | int | float | None:
    from workbench.statistics.bootstrap import Interval

    value = row.get(key)
    if isinstance(value, Interval):
        return mean_and_half(value.mean, value.low, value.high, "+" if table.signed(key) else "")
    return f"{value:.2f}" if isinstance(value, float) else value
