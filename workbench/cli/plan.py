"""`workbench plan`: searches on their own, of scenarios (kept in the database like any run) or on a reward table."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from workbench.cli import options as opt
from workbench.cli.common import DONE, INTERRUPTED, LEFT_OUT, DbOption, FormatOption, database_path, narrate, reading
from workbench.cli.output import Format

if TYPE_CHECKING:
    from planner.trace import Trace
    from storage.searchfile import Provenance
    from storage.sqlite import Database
    from workbench.engine.options import RunOptions
    from workbench.engine.prepare import Prepared
    from workbench.engine.run import Outcome
    from workbench.engine.steering.control import Control

_NO_OPTIONS = {
    *("scenario", "world", "model", "judge", "experiment", "paused", "rate", "new", "retry_failed"),
    *("save", "top", "min_visits", "db", "format"),
}
"""Parameters of `plan` that are no key of an experiment's file, or have another name there."""


class _Search(NamedTuple):
    trace: "Trace"
    origin: "Provenance"


def plan(
    scenario: Annotated[
        list[str] | None, typer.Argument(help="A scenario's id or its beginning.", metavar="SCENARIO")
    ] = None,
    world: Annotated[str | None, typer.Option(help="surrogate, model, or table:FILE.")] = None,
    model: Annotated[str | None, typer.Option(help="Answering model; else the world's first.")] = None,
    judge: Annotated[str | None, typer.Option(help="Who judges; else the world's first judge.")] = None,
    planner: opt.Planner = None,
    rule: opt.Rule = None,
    rollouts: Annotated[int | None, typer.Option(help="Rollouts (T).")] = None,
    depth: opt.Depth = None,
    c: opt.Exploration = None,
    decay: opt.Decay = None,
    recommend: Annotated[Literal["q", "visits"] | None, typer.Option(help="Best or most visited subset.")] = None,
    evaluations: opt.Evaluations = None,
    seed: Annotated[int | None, typer.Option(help="Moves noise and random choices.")] = None,
    world_seed: Annotated[int | None, typer.Option(help="Seed of the world's noise.")] = None,
    base_url: opt.BaseUrl = None,
    key_env: opt.KeyEnv = None,
    experiment: Annotated[
        Path | None, typer.Option(help="Take what is not given here from an experiment's TOML file.")
    ] = None,
    paused: opt.Paused = False,
    rate: Annotated[float, typer.Option(min=0, help="Rollouts per second of each search; 0 = no limit.")] = 0,
    new: Annotated[bool, typer.Option("--new", help="Search again, though there is the same search.")] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Do failed searches again.")] = False,
    save: Annotated[Path | None, typer.Option(help="Write the search to this file, to pass it on.")] = None,
    top: opt.Top = 3,
    min_visits: opt.MinVisits = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Search for what is worth asking; show the tree, or print the search as JSON.

    The same command again shows what was found, or takes up what was cut off. Tables are searched anew each time.
    """
    flags = {name: value for name, value in locals().items() if name not in _NO_OPTIONS}
    from workbench.engine.errors import RunError, UsageError
    from workbench.engine.options import read_options
    from workbench.engine.steering.control import Control

    named = {
        "world": world,
        "models": None if model is None else (model,),
        "judges": None if judge is None else (judge,),
        "search_judge": judge,
        "scenarios": tuple(scenario) if scenario else None,
    }
    options = read_options(experiment, {**flags, **named})
    if options.world.startswith("table:"):
        searches = [_table(options)]
        _save(save, searches)
        _emit(searches, format, top, min_visits)
        return DONE
    if not options.scenarios:
        raise UsageError("name a scenario: `workbench scenarios list` shows their ids")
    prepared, outcome = _work(
        options, database_path(db), partial(Control, paused=paused, rate=rate), save is not None, new, retry_failed
    )
    if outcome.state == "interrupted":
        narrate(f"run {outcome.run} was interrupted: the same command resumes it")
        return INTERRUPTED
    if outcome.state == "finished":
        narrate(f"run {outcome.run} was finished before; --new searches again")
    if not outcome.done:
        raise RunError(_failures(db, outcome)[0])
    with reading(db) as database:
        if save is not None:
            _save(save, _stored(database, prepared, outcome))
        _emit(_stored(database, prepared, outcome), format, top, min_visits, several=outcome.done > 1)
    if not outcome.failed:
        return DONE
    narrate(f"{outcome.failed} searches of run {outcome.run} failed; --retry-failed does them again:")
    for line in _failures(db, outcome)[:5]:
        narrate(f"  {line}")
    return LEFT_OUT


def _table(options: "RunOptions") -> "_Search":
    from workbench.engine.errors import UsageError
    from workbench.engine.single import plan_table

    if options.scenarios:
        raise UsageError("a table is its own scenario: leave out SCENARIO, or --world")
    return _Search(*plan_table(options, Path(options.world.removeprefix("table:"))))


def _work(
    options: "RunOptions", path: Path, control: "Callable[[], Control]", one: bool, new: bool, retry_failed: bool
) -> "tuple[Prepared, Outcome]":
    """Search; `one` says that there may be no second search."""
    import sys

    import anyio

    from workbench.cli.progress import NoteDisplay, display_for
    from workbench.engine.errors import UsageError
    from workbench.engine.prepare import prepare
    from workbench.engine.run import run_experiment
    from workbench.engine.steering.launch import own_log

    single = len(options.scenarios) == 1 and own_log() is None  # whoever launched it reads its log
    display = NoteDisplay(sys.stderr) if single else display_for(sys.stderr)
    prepared = prepare(path, options, display.note, searches_only=True)
    if one and len(list(prepared.experiment.units())) > 1:
        raise UsageError("--save writes one search: name one scenario and one model")

    async def work() -> "Outcome":
        return await run_experiment(path, prepared, display, new=new, retry_failed=retry_failed, control=control())

    return prepared, anyio.run(work)


def _stored(db: "Database", prepared: "Prepared", outcome: "Outcome") -> "Iterator[_Search]":
    """Read the searches that a run finished, one after the other."""
    from simulator.attributes import NAMES
    from storage.readers import search_trace, unit_rows
    from storage.searchfile import Provenance

    e = prepared.experiment
    for row in unit_rows(db, outcome.run, state="done"):
        origin = Provenance(e.world, e.world_version, row["model"], e.search_judge, row["scenario_id"], e.seed, NAMES)
        yield _Search(search_trace(db, row["unit"]), origin)


def _failures(db: Path | None, outcome: "Outcome") -> list[str]:
    from storage.readers import unit_rows

    with reading(db) as database:
        rows = list(unit_rows(database, outcome.run, state="failed"))
    return [f"search of {row['scenario_id']}: {row['error']}" for row in rows]


def _save(path: Path | None, searches: "Iterable[_Search]") -> None:
    from storage.searchfile import save_search

    if path is not None:
        for search in searches:
            save_search(path, search.trace, search.origin)
        narrate(f"wrote {path}: `workbench show tree --trace {path}` shows it")


def _emit(
    searches: "Iterable[_Search]", format: Format, top: int, min_visits: int | None, *, several: bool = False
) -> None:
    """Print searches: trees for people, each with its title; for machines one object, or a row each of several."""
    from planner.export import to_json
    from workbench.cli.output import emit, gap
    from workbench.cli.treeview import emit_search, summary

    if several and format not in ("table", "md"):
        rows = (
            {"scenario": origin.scenario, "model": origin.model, **to_json(trace, origin.attributes)}
            for trace, origin in searches
        )
        emit(rows, format)
        return
    for i, (trace, origin) in enumerate(searches):
        if i:
            gap()
        title = f"Search of {origin.scenario} · world: {origin.world} · model: {origin.model or '-'}"
        if format in ("table", "md"):
            title += f"\n{summary(trace, origin.attributes)}\n= reached by several orders, ◀ last rollout"
        emit_search(trace, origin.attributes, format, title=title, top=top, min_visits=min_visits)
