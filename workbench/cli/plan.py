"""`workbench plan`: one search to its end, of a scenario or on a reward table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.common import DONE, DbOption, FormatOption, database_path, narrate

if TYPE_CHECKING:
    from planner.trace import Trace
    from storage.searchfile import Provenance
    from workbench.engine.options import RunOptions


def plan(
    scenario: Annotated[
        str | None, typer.Argument(help="A scenario's id or its beginning.", metavar="SCENARIO")
    ] = None,
    world: Annotated[str, typer.Option(help="surrogate, or table:FILE.")] = "surrogate",
    model: Annotated[str | None, typer.Option(help="Answering model; else the world's first.")] = None,
    judge: Annotated[str | None, typer.Option(help="Who judges; else the world's first judge.")] = None,
    planner: Annotated[str | None, typer.Option(help="search, static, random, greedy or exhaustive.")] = None,
    rule: Annotated[str | None, typer.Option(help="Selection rule: raise or raise-literal.")] = None,
    rollouts: Annotated[int | None, typer.Option(help="Rollouts (T).")] = None,
    depth: Annotated[int | None, typer.Option(help="Attributes per path.")] = None,
    c: Annotated[float | None, typer.Option(help="Weight of the exploration term.")] = None,
    decay: Annotated[float | None, typer.Option(help="Prior of rank r falls by exp(-decay r).")] = None,
    recommend: Annotated[Literal["q", "visits"] | None, typer.Option(help="Best or most visited subset.")] = None,
    evaluations: Annotated[str | None, typer.Option(help="Samples per subset: fresh or cache:r.")] = None,
    seed: Annotated[int | None, typer.Option(help="Moves noise and random choices.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the search to this file, to pass it on.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Children shown of each node.")] = 3,
    min_visits: Annotated[int | None, typer.Option(min=1, help="Show nodes of at least so many rollouts.")] = None,
    db: DbOption = None,
    format: FormatOption = "table",
) -> int:
    """Search for what is worth asking; show the tree, or print the search as JSON."""
    from workbench.cli.treeview import emit_search, summary
    from workbench.engine.options import read_options

    flags = {
        name: value
        for name, value in locals().items()
        if name in ("planner", "rule", "rollouts", "depth", "c", "decay", "recommend", "evaluations", "seed")
    }
    models = None if model is None else (model,)
    options = read_options(None, {**flags, "world": world, "models": models, "search_judge": judge})
    trace, provenance = _search(options, scenario, db)
    if save is not None:
        from storage.searchfile import save_search

        save_search(save, trace, provenance)
        narrate(f"wrote {save}: `workbench show tree --trace {save}` shows it")
    title = f"Search of {provenance.scenario} · world: {provenance.world} · model: {provenance.model or '-'}"
    if format in ("table", "md"):
        title += f"\n{summary(trace, provenance.attributes)}\n= reached by several orders, ◀ last rollout"
    emit_search(trace, provenance.attributes, format, title=title, top=top, min_visits=min_visits)
    return DONE


def _search(options: "RunOptions", scenario: str | None, db: Path | None) -> "tuple[Trace, Provenance]":
    from workbench.engine.errors import UsageError
    from workbench.engine.single import plan_scenario, plan_table

    if options.world.startswith("table:"):
        if scenario is not None:
            raise UsageError("a table is its own scenario: leave out SCENARIO, or --world")
        return plan_table(options, Path(options.world.removeprefix("table:")))
    if scenario is None:
        raise UsageError("name a scenario: `workbench scenarios list` shows their ids")
    from workbench.cli.scenarios import find

    return plan_scenario(options, find(db, [scenario])[0], database_path(db))
