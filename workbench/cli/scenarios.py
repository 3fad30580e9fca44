"""`workbench scenarios`: list, show, import, build, export."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.build import add, build, rejected
from workbench.cli.common import (
    DONE,
    LARGEST,
    LEFT_OUT,
    DbOption,
    FormatOption,
    database_path,
    narrate,
    reading,
    words,
    writing,
)

if TYPE_CHECKING:
    from simulator.scenario import Scenario

app = typer.Typer(help="List, show, import, build and export scenarios.", rich_markup_mode=None)

DomainsOption = Annotated[str | None, typer.Option("--domains", help="Only these domains, e.g. Health,Life.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only scenarios from this source.")]


@app.command("list")
def list_(
    domains: DomainsOption = None,
    source: SourceOption = None,
    search: Annotated[str | None, typer.Option(help="Only those whose query or issue contains this.")] = None,
    limit: Annotated[int, typer.Option(min=0, max=LARGEST, help="At most this many; 0 = all.")] = 50,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """List scenarios: those of the database, or the bundled ones where it holds none."""
    from workbench.cli.output import Column, emit

    rows = (
        _flat(s) if format in ("table", "md", "csv") else s.to_dict()
        for s in _stored(db, domains, source, search, limit)
    )
    columns = [Column("id"), Column("domain"), Column("known"), Column("source"), Column("query")]
    emit(rows, format, columns)
    return DONE


@app.command()
def show(
    scenario: Annotated[str, typer.Argument(help="A scenario's id or its beginning.", metavar="SCENARIO")],
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Show one scenario with its whole profile."""
    from workbench.cli.output import emit_one

    (found,) = find(db, [scenario])
    data = found.to_dict()
    if format in ("table", "md", "csv"):
        profile = {name: "unknown" if value is None else value for name, value in found.profile.to_mapping().items()}
        data = {key: value for key, value in data.items() if key != "profile"} | profile
    emit_one(data, format)
    return DONE


@app.command("import")
def import_(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Profiles and queries together, datasets, result files.", metavar="FILE")
    ] = None,
    bundled: Annotated[bool, typer.Option("--bundled", help="Add the 70 scenarios that come with this.")] = False,
    domain_map: Annotated[
        Path | None, typer.Option(help="JSON object of issue name to domain, for issues that are not PENGUIN's.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where they come from, where the file does not say.")] = None,
    db: DbOption = None,
) -> int:
    """Import published files: scenarios, planner indexes, agent and judged outputs. The format is detected."""
    from storage.database import explained
    from workbench.engine.errors import UsageError
    from workbench.engine.scenarios.importing import import_files

    if not files and not bundled:
        raise UsageError("name the files to import, or --bundled")
    if bundled:
        from simulator.bundled import bundled as bundled_scenarios

        add(db, bundled_scenarios(), "added")
    if not files:
        return DONE
    with writing(db) as database, explained(database_path(db)):
        report = import_files(database, files, domain_map=domain_map, source=source, report=narrate)
    for line in report.lines():
        narrate(line)
    return LEFT_OUT if report.problems else DONE


app.command("build")(build)
app.command("rejected")(rejected)


@app.command()
def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write; for form1 a folder.")],
    to: Annotated[
        str,
        typer.Option(
            help="scenarios (JSON lines), form1 (profiles.json and queries.json), form2, dataset-csv, dataset-json, "
            "dataset-jsonl or dataset-parquet."
        ),
    ] = "scenarios",
    domains: DomainsOption = None,
    source: SourceOption = None,
    limit: Annotated[int, typer.Option(min=0, max=LARGEST, help="At most this many; 0 = all.")] = 0,
    db: DbOption = None,
) -> int:
    """Write scenarios in a published format, or as JSON lines."""
    from simulator.formats import WRITERS, write_scenarios
    from workbench.engine.errors import UsageError

    if to not in WRITERS:
        raise UsageError(f"--to: no format {to!r}; there are {', '.join(WRITERS)}")
    write_scenarios(_stored(db, domains, source, None, limit), output, to)
    narrate(f"wrote {output}")
    return DONE


def _stored(
    db: Path | None, domains: str | None, source: str | None, search: str | None, limit: int
) -> "Iterator[Scenario]":
    """Stream the database's scenarios, or the bundled ones where it holds none or there is none."""
    from itertools import islice

    from simulator.domains import spell_domains
    from simulator.scenario import query_key
    from storage.scenarios import count_scenarios, list_scenarios
    from workbench.engine.errors import UsageError
    from workbench.engine.scenarios.selection import stored_or_bundled

    try:
        wanted = spell_domains(words(domains) or ())
    except ValueError as error:
        raise UsageError(f"--domains: {error}") from error
    path = database_path(db)
    if db is not None or path.exists():
        with reading(db) as database:
            if count_scenarios(database):
                yield from list_scenarios(database, domains=wanted, source=source, search=search, limit=limit)
                return
    narrate(f"no scenarios in {path} yet: these are the bundled ones")
    bundled: Iterable[Scenario] = stored_or_bundled(None, wanted, source)
    if search:
        bundled = [s for s in bundled if query_key(search) in query_key(f"{s.query} {s.issue}")]
    yield from islice(bundled, limit or None)


def find(db: Path | None, ids: list[str]) -> "list[Scenario]":
    """Find scenarios by id in the database, or among the bundled ones where there is none."""
    from workbench.engine.scenarios.selection import find_scenarios

    if db is None and not database_path(db).exists():
        return find_scenarios(None, ids)
    with reading(db) as database:
        return find_scenarios(database, ids)


def _flat(scenario: "Scenario") -> dict[str, object]:
    row = scenario.to_dict()
    del row["profile"]
    return {**row, "known": f"{scenario.profile.known.bit_count()}/10"}
