"""`workbench labels`: ratings by people, on a sheet that hides the arms, and back into the database."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, LEFT_OUT, DbOption, FormatOption, RunOption, narrate, reading, writing

app = typer.Typer(help="Ratings by people: write a sheet to rate on, read it back, list them.", rich_markup_mode=None)

_SHOWN = 20
"""Rows that are left out and reported one by one; the rest are counted."""


@app.command("export")
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write; it must not exist yet.")],
    run: opt.Run = None,
    sample: Annotated[int, typer.Option(min=1, help="How many responses, spread over arms and domains.")] = 100,
    seed: Annotated[int, typer.Option(help="The same seed chooses the same responses.")] = 0,
    blind: Annotated[
        bool, typer.Option("--blind/--named", help="Hide arm, model and scenario behind a key, or name them.")
    ] = True,
    db: DbOption = None,
) -> int:
    """Write a sheet for people to rate on: the query, the profile, the response, and empty cells to fill."""
    from simulator.formats.output import whole
    from storage.judgements import ratable_units
    from storage.readers import find_scored
    from workbench.cli.output import emit
    from workbench.engine.errors import UsageError
    from workbench.engine.labels import choose_units, sheet_rows

    if output.exists():
        raise UsageError(f"{output} exists, and may hold somebody's ratings: name another file")
    with reading(db) as database:
        found = find_scored(database, run)
        units = choose_units(ratable_units(database, found["run"]), sample, seed)
        if not units:
            raise UsageError(f"run {found['run']} has no response to rate")
        with whole(output) as target, target.open("w", encoding="utf-8", newline="") as file:
            emit(sheet_rows(database, found, units, blind=blind), "csv", stream=file)
    narrate(
        f"{output}: {len(units):,} responses of run {found['run']}, world: {found['world']}; rate 1 to 5, "
        f"then `workbench labels import {output} --run {found['run']}`"
    )
    return DONE


@app.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help="A sheet that was filled, or any CSV with a row per rating.", metavar="FILE")
    ],
    run: RunOption = None,
    rater: Annotated[str | None, typer.Option(help="Who rated the rows that don't say it.")] = None,
    db: DbOption = None,
) -> int:
    """Read people's ratings: a row names a response (key, unit, or scenario with arm and model) and rates it 1 to 5."""
    from storage.database import transaction
    from storage.readers import find_scored
    from workbench.engine.labels import import_labels

    with writing(db) as database:
        found = find_scored(database, run)
        with transaction(database):
            report = import_labels(database, found["run"], file, rater=rater)
    for problem in report.problems[:_SHOWN]:
        narrate(str(problem))
    if len(report.problems) > _SHOWN:
        narrate(f"{file}: … and {len(report.problems) - _SHOWN:,} more")
    by = f" by {', '.join(report.raters)}" if report.raters else ""
    narrate(
        f"{file}: {report.new:,} new ratings and {report.replaced:,} replaced{by} of {report.responses:,} responses of "
        f"run {found['run']}; {report.blank:,} rows without a rating, {len(report.problems):,} left out"
    )
    return LEFT_OUT if report.problems else DONE


@app.command("list")
def list_(run: RunOption = None, db: DbOption = None, format: FormatOption = "table") -> int:
    """List who rated a run's responses, or every single rating for machines."""
    from storage.ratings import rating_rows
    from storage.readers import find_scored
    from workbench.cli.output import emit

    with reading(db) as database:
        found = find_scored(database, run)
        rows = rating_rows(database, found["run"])
    if format not in ("table", "md"):
        emit(rows, format)
        return DONE
    lines = []
    for rater in dict.fromkeys(sorted(row["rater"] for row in rows)):
        mine = [row for row in rows if row["rater"] == rater]
        lines.append(
            {
                "rater": rater,
                "responses": len(mine),
                "arms": ", ".join(dict.fromkeys(row["arm"] for row in mine)),
                "mean": sum(row["score"] for row in mine) / len(mine),
                "source": ", ".join(dict.fromkeys(row["source"] for row in mine)),
                "latest": max(row["at"] for row in mine)[:16],
            }
        )
    columns = ["rater", "responses", "arms", "mean", "source", "latest"]
    emit(lines, format, columns, title=f"Run {found['run']} · world: {found['world']}")
    return DONE
