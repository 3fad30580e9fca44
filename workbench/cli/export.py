"""`workbench export`: what a run found, as data or in the authors' own file formats."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar, get_args

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, LEFT_OUT, DbOption, narrate, reading

if TYPE_CHECKING:
    from storage.sqlite import Database

What = Literal[
    "scores", "searches", "dialogues", "responses", "units", "calls", "penguin-index", "penguin-agent", "penguin-judged"
]

ExportFormat = Literal["jsonl", "json", "csv", "parquet", "md", "table"]

_T = TypeVar("_T")

_CHOICES: dict[What, tuple[str, ...]] = {
    "scores": ("model", "arm", "judge"),
    "searches": ("model",),
    "dialogues": ("model", "arm"),
    "responses": ("model", "arm"),
    "units": ("model", "arm"),
    "calls": ("arm",),
    "penguin-index": ("model",),
    "penguin-agent": ("model", "arm"),
    "penguin-judged": ("model", "arm", "judge"),
}
"""Which of the options that choose among rows apply; a published file has a place for none of them."""

_SOURCES: dict[What, str | None] = {
    "scores": "verdict",
    "searches": "search",
    "dialogues": "dialogue",
    "responses": "response",
    "units": None,
    "calls": None,
    "penguin-index": "search",
    "penguin-agent": "dialogue",
    "penguin-judged": "verdict",
}
"""What a unit must have to stand in the export."""


def export(
    run: opt.Run = None,
    what: Annotated[What, typer.Option(help="Rows as `show` has them, or a file as PENGUIN publishes it.")] = "scores",
    format: Annotated[
        ExportFormat | None,
        typer.Option("--format", help="How to write rows; else as the file's name ends, else jsonl."),
    ] = None,
    output: opt.Output = None,
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    arm: Annotated[str | None, typer.Option(help="Only this arm.")] = None,
    judge: Annotated[str | None, typer.Option(help="Only this judge.")] = None,
    db: DbOption = None,
) -> int:
    """Export a run: every row of it, or its planned paths, dialogues or verdicts in the published file formats.

    A published file holds one model, arm and judge; name them where the run has several.
    """
    from storage.readers import find_scored
    from workbench.engine.errors import UsageError

    chosen = {"model": model, "arm": arm, "judge": judge}
    if what.startswith("penguin-") and format not in (None, "csv"):
        raise UsageError(f"--what {what} is a CSV file as the authors' scripts read it: leave out --format")
    for name in chosen.keys() - set(_CHOICES[what]):
        if chosen[name] is not None:
            raise UsageError(f"--{name} does not apply to {what}")
    with reading(db) as database:
        database.conn.execute("begin")  # all of it as it is now, though a run may be writing
        found = find_scored(database, run)
        if what.startswith("penguin-"):
            if output is None:
                raise UsageError(f"--what {what} writes a file for the authors' scripts: name it with -o FILE")
            return _publish(database, found, what, output, chosen)
        _write(partial(_rows, database, found, what, chosen), format or _format_of(output), output, found)
    return DONE


def _rows(
    db: "Database", run: Mapping[str, Any], what: What, chosen: Mapping[str, str | None]
) -> Iterator[dict[str, Any]]:
    from storage import readers
    from storage.calls import ledger_rows
    from storage.exports import names_in

    names = names_in(db, run["run"], _SOURCES[what])
    wanted = {name: _one_of(run, name, value, names[name]) for name, value in chosen.items() if value is not None}
    read: dict[str, Callable[[Database, str], Iterable[dict[str, Any]]]] = {
        "scores": readers.score_rows,
        "searches": readers.search_rows,
        "dialogues": readers.dialogue_rows,
        "responses": readers.response_rows,
        "units": readers.unit_rows,
        "calls": ledger_rows,
    }
    return (
        row if "world" in row else {**row, "world": run["world"]}
        for row in read[what](db, run["run"])
        if all(row[name] == value for name, value in wanted.items())
    )


def _format_of(output: Path | None) -> ExportFormat:
    ending = output.suffix.removeprefix(".") if output else ""
    return next((format for format in get_args(ExportFormat) if format == ending), "jsonl")


def _write(
    rows: Callable[[], Iterable[dict[str, Any]]], format: ExportFormat, output: Path | None, run: Mapping[str, Any]
) -> None:
    from simulator.formats.output import whole, write_parquet_rows
    from workbench.cli.output import emit
    from workbench.engine.errors import UsageError

    count = _Count()
    title = f"Run {run['run']} · world: {run['world']}"
    if format == "parquet":
        if output is None:
            raise UsageError("--format parquet writes a file: name it with -o FILE")
        count.rows = write_parquet_rows(output, rows)
    elif output is None:
        emit(count.over(rows()), format, title=title)
    else:
        with whole(output) as target, target.open("w", encoding="utf-8", newline="") as file:
            emit(count.over(rows()), format, title=title, stream=file)
    narrate(f"{output or 'stdout'}: {count.rows:,} rows of run {run['run']}, world: {run['world']}")


def _publish(db: "Database", run: Mapping[str, Any], what: What, output: Path, chosen: Mapping[str, str | None]) -> int:
    """Write a published file; what failed or isn't done yet is not in it, and is counted."""
    from simulator.formats import write_agent_output, write_judged_output, write_library
    from storage.exports import asked_paths, judged_responses, names_in, planned_paths
    from storage.readers import unit_rows

    names = names_in(db, run["run"], _SOURCES[what])
    picked = {name: _only(run, name, chosen[name], names[name], what) for name in _CHOICES[what]}
    count, id_ = _Count(), run["run"]
    if what == "penguin-index":
        write_library(count.over(planned_paths(db, id_, **picked)), output)
    elif what == "penguin-agent":
        write_agent_output(count.over(asked_paths(db, id_, **picked)), output)
    else:
        write_judged_output(count.over(judged_responses(db, id_, **picked)), output)
    named = ", ".join(f"{name} {value}" for name, value in picked.items())
    narrate(f"{output}: {count.rows:,} rows of run {id_}, world: {run['world']}, {named}")
    kind = "search" if what == "penguin-index" else "trial"
    units = sum(
        unit["kind"] == kind and all(unit[name] == value for name, value in picked.items() if name in unit)
        for unit in unit_rows(db, id_)
    )
    if units == count.rows:
        return DONE
    narrate(
        f"{units - count.rows:,} of {units:,} are not in it, as they failed or are not done: `workbench show units`"
    )
    return LEFT_OUT


def _one_of(run: Mapping[str, Any], name: str, value: str, values: list[str]) -> str:
    from workbench.engine.errors import UsageError

    if value not in values:
        raise UsageError(f"--{name}: run {run['run']} has no {name} {value!r}; it has {', '.join(values) or 'none'}")
    return value


def _only(run: Mapping[str, Any], name: str, value: str | None, values: list[str], what: What) -> str:
    """Return the one that is meant: the one that was named, or the only one there is."""
    from workbench.engine.errors import UsageError

    if not values:
        raise UsageError(f"run {run['run']} has nothing for --what {what}: it has no {_SOURCES[what]} yet")
    if value is not None:
        return _one_of(run, name, value, values)
    if len(values) > 1:
        raise UsageError(f"the file holds one {name}: choose with --{name} one of {', '.join(values)}")
    return values[0]


class _Count:
    """Counts rows while they pass."""

    def __init__(self) -> None:
        self.rows = 0

    def over(self, rows: Iterable[_T]) -> Iterator[_T]:
        for row in rows:
            self.rows += 1
            yield row
